#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "cmd/oci_create.hpp"
#include "cmd/oci_exec_defaults.hpp"
#include "cmd/oci_run.hpp"
#include "engine/attach.hpp"
#include "runtime/annotations.hpp"
#include "runtime/spec_linux.hpp"

namespace cmd {
namespace {

using base::ErrorKind;
using base::make_error;

std::uint32_t parse_id(std::string_view text) {
  const auto number = base::parse_unsigned(text);
  if (!number || *number >= UINT32_MAX) throw make_error(ErrorKind::invalid_argument, base::quoted(text), " is no id");
  return static_cast<std::uint32_t>(*number);
}

void set_user(runtime::User& user, const std::string& text) {
  const auto pair = base::split_once(text, ':');
  user = {.uid = parse_id(pair ? pair->first : text), .gid = 0, .umask = user.umask, .additional_gids = {}};
  if (pair) user.gid = parse_id(pair->second);
}

/// Replaces the variable, so that a program sees it once.
void set_variable(std::vector<std::string>& env, const std::string& entry) {
  const std::string prefix = entry.substr(0, entry.find('=')) + "=";
  std::erase_if(env, [&](const std::string& other) { return other.starts_with(prefix); });
  env.push_back(entry);
}

/// As runc: into all sets but the inheritable and ambient ones, which only have a meaning for other users.
void add_capability(runtime::Capabilities& sets, std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  if (!name.starts_with("CAP_")) name.insert(0, "CAP_");
  for (auto* set : {&sets.bounding, &sets.effective, &sets.permitted}) set->push_back(name);
}

/// The container's own process with what the options say.
runtime::Process process_of_words(const OciWords& words, const runtime::Spec& spec) {
  runtime::Process process = spec.process;
  process.args.assign(words.words.begin() + 1, words.words.end());
  if (process.args.empty())
    throw make_error(ErrorKind::invalid_argument, "no command was given").with_hint("add one, or --process FILE");
  process.terminal = words.has("tty");
  process.cwd = words.value_or("cwd", process.cwd);
  if (const auto user = words.value("user")) set_user(process.user, *user);
  for (const std::string& gid : words.values("additional-gids")) process.user.additional_gids.push_back(parse_id(gid));
  for (const std::string& entry : words.values("env")) set_variable(process.env, entry);
  for (const std::string& name : words.values("cap")) add_capability(process.capabilities, name);
  return process;
}

runtime::Process make_process(const OciWords& words, const runtime::Spec& spec) {
  runtime::Process process;
  if (const auto file = words.value("process")) {
    const std::string json = base::read_file(AT_FDCWD, *file, runtime::max_spec_bytes);
    process = runtime::parse_process(base::JsonAt::parse(json, *file));
    process.terminal |= words.has("tty");
  } else {
    process = process_of_words(words, spec);
  }
  if (words.has("no-new-privs")) process.no_new_privileges = true;
  process.apparmor_profile = words.value_or("apparmor", process.apparmor_profile);
  process.selinux_label = words.value_or("process-label", process.selinux_label);
  return process;
}

int run_attached(runtime::ExecRequest& request, const OciWords& words) {
  engine::ChildStreams streams;
  if (!request.process.terminal) streams = engine::make_child_streams(true);
  give_streams(request, streams);
  request.die_with_parent = true;
  base::SignalFd signals{engine::forwarded_signals()};
  runtime::CreatedInit init = runtime::exec(request);
  streams.kept.clear();
  runtime::wait_for_exec(init);
  if (const auto file = words.value("pid-file")) write_pid_file(*file, init.process.pid());
  return relay_oci_process(init, std::move(streams.relay), signals);
}

int run_detached(runtime::ExecRequest& request, const OciWords& words) {
  runtime::CreatedInit init = runtime::exec(request);
  if (init.terminal) send_console(*words.value("console-socket"), init.terminal.get());
  runtime::wait_for_exec(init);
  if (const auto file = words.value("pid-file")) write_pid_file(*file, init.process.pid());
  static_cast<void>(init.process.detach());
  return 0;
}

/// conmon passes a console socket and lets us wait, too.
int run_with_socket(runtime::ExecRequest& request, const OciWords& words) {
  runtime::CreatedInit init = runtime::exec(request);
  if (init.terminal) send_console(*words.value("console-socket"), init.terminal.get());
  runtime::wait_for_exec(init);
  if (const auto file = words.value("pid-file")) write_pid_file(*file, init.process.pid());
  return init.process.wait().code;
}

/// --cgroup "[CONTROLLERS:]PATH": an existing cgroup below the container's, of all or some version 1 controllers.
runtime::CgroupRecord cgroup_record(runtime::CgroupRecord record, const OciWords& words) {
  const auto given = words.value("cgroup");
  if (!given) return record;
  const auto pair = base::split_once(*given, ':');
  const std::string_view path = pair ? pair->second : std::string_view{*given};
  for (const std::string_view part : base::split(path, '/'))
    if (part == "..")
      throw make_error(ErrorKind::invalid_argument, "--cgroup ", base::quoted(*given), " leaves the container's");
  const auto go_below = [&](std::string& folder) {
    folder += base::concat('/', path);
    if (!base::exists(AT_FDCWD, folder))
      throw make_error(ErrorKind::not_found, "there is no cgroup ", base::quoted(folder));
  };
  if (!pair && !record.unified.empty()) go_below(record.unified);
  for (auto& [controllers, folder] : record.legacy)
    if (!pair || pair->first == controllers) go_below(folder);
  record.delegated.clear();
  record.manager = runtime::CgroupManager::cgroupfs;  // a plain folder, whoever made the one above it
  record.scope.clear();
  return record;
}

/// What we clone is born there; so nothing of it ever runs outside.
void join_rdt_group(const runtime::RdtRecord& rdt) {
  try {
    runtime::add_to_rdt_group(rdt, ::getpid());
  } catch (const base::Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;  // its group was taken from it
  }
}

}  // namespace

int oci_exec(const OciGlobals& globals, const OciWords& words) {
  const OciContainer container = find_oci_container(globals.root, words.words.front());
  const RunningProcess init = open_running_process(container);
  if (init.is_paused && !words.has("ignore-paused"))
    throw make_error(ErrorKind::in_use, "container ", base::quoted(container.state.id), " is paused")
        .with_hint("resume it first, or add --ignore-paused");
  ExecDefaults defaults = read_exec_defaults(container);
  const auto cgroup = runtime::Cgroup::open(cgroup_record(container.state.cgroup, words));
  const runtime::HookContainer known_as = hook_container(container.state);
  runtime::ExecRequest request{.init_pid = container.state.process.pid,
                               .init_pidfd = init.pidfd.get(),
                               .process = make_process(words, defaults.spec),
                               .seccomp = std::move(defaults.seccomp)};
  request.process.user.keeps_groups =
      runtime::find_annotation(container.state.annotations, "run.oci.keep_original_groups") != nullptr;
  request.preserved_fds = preserved_descriptors(words);
  request.cgroup = cgroup.get();
  request.container = &known_as;
  request.namespaces = defaults.spec.linux.namespaces;
  request.personality = defaults.spec.linux.personality;
  request.memory_policy = defaults.spec.linux.memory_policy;
  join_rdt_group(container.state.rdt);
  const bool is_detached = words.has("detach");
  check_console(words, request.process.terminal && (is_detached || words.has("console-socket")));
  if (is_detached) return run_detached(request, words);
  return words.has("console-socket") ? run_with_socket(request, words) : run_attached(request, words);
}

}  // namespace cmd
