#include <csignal>
#include <fcntl.h>
#include <functional>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/fs.hpp"
#include "base/path_in_root.hpp"
#include "base/scope_exit.hpp"
#include "engine/attach.hpp"
#include "engine/chroot_mode.hpp"
#include "engine/container_cgroup.hpp"
#include "engine/container_rootfs.hpp"
#include "engine/container_secrets.hpp"
#include "engine/environment.hpp"
#include "engine/events.hpp"
#include "engine/exec_ids.hpp"
#include "engine/exec_session.hpp"
#include "engine/external_runtime_start.hpp"
#include "engine/joined_namespaces.hpp"
#include "engine/reconcile.hpp"
#include "engine/relay.hpp"
#include "engine/security.hpp"
#include "engine/selection.hpp"
#include "engine/socket_activation.hpp"
#include "engine/user.hpp"
#include "engine/verbs.hpp"
#include "runtime/container.hpp"
#include "runtime/seccomp.hpp"
#include "runtime/terminal.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::size_t max_passwd_bytes = 1024 * 1024;

std::vector<std::string> own_environment() {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) result.emplace_back(*entry);
  return result;
}

/// Of a container that is only a chroot: the tree itself.
base::UniqueFd chroot_of(Engine& engine, const storage::ContainerDir& container, const runtime::Spec& spec) {
  if (!is_chroot_spec(spec)) return {};
  return std::move(plan_container_rootfs(engine, container, storage::read_record(container)).lowers.at(0));
}

/// The root directory of a running container, through /proc: what is read there is never followed out of it.
base::UniqueFd container_root(const Observed& observed, int chroot) {
  if (chroot >= 0) return base::duplicate(chroot);
  base::UniqueFd root{
      ::open(base::concat("/proc/", observed.state.process.pid, "/root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  return root;
}

bool has_one_id(const runtime::Spec& spec) {
  return spec.linux.uid_mappings.size() == 1 && spec.linux.uid_mappings.front().size == 1;
}

/// Where root is emulated, the kernel would not be asked, and the process would stay root with all that it may do.
void check_only_id(const runtime::Spec& spec, const ResolvedUser& user) {
  const auto is_it = [](const std::vector<runtime::IdMapping>& map, std::uint32_t id) {
    return map.empty() || map.front().container_id == id;
  };
  if (is_it(spec.linux.uid_mappings, user.uid) && is_it(spec.linux.gid_mappings, user.gid)) return;
  throw make_error(ErrorKind::unsupported, "user ", user.uid, ":", user.gid, " is not the one that this container has")
      .with_hint("leave --user out");
}

void set_user(runtime::Process& process, const ExecOptions& options, const Observed& observed,
              const runtime::Spec& spec, int chroot) {
  if (options.user.empty()) return;
  const bool single = has_one_id(spec);
  const base::UniqueFd root = container_root(observed, chroot);
  std::string passwd, group;
  if (root) {
    passwd = base::read_small_file_in_root(root.get(), "etc/passwd", max_passwd_bytes);
    group = base::read_small_file_in_root(root.get(), "etc/group", max_passwd_bytes);
  }
  const ResolvedUser user = resolve_user(options.user, passwd, group, {});
  if (single) check_only_id(spec, user);
  const auto bounding = process.capabilities.bounding;
  process.user.uid = user.uid;
  process.user.gid = user.gid;
  process.user.additional_gids = single ? std::vector<std::uint32_t>{} : user.additional_gids;
  process.capabilities = {};
  process.capabilities.bounding = bounding;
  if (user.uid == 0) process.capabilities.effective = process.capabilities.permitted = bounding;
  std::erase_if(process.env, [](const std::string& entry) { return entry.starts_with("HOME="); });
  process.env.push_back("HOME=" + user.home);
}

void set_environment(runtime::Process& process, const ExecOptions& options) {
  Environment environment;
  for (const std::string& assignment : process.env) environment.set_assignment(assignment);
  if (options.tty) environment.set("TERM", "xterm");
  const std::vector<std::string> host = own_environment();
  for (const std::string& path : options.env_files)
    apply_env_file(
        environment,
        base::with_context([&] { return base::read_file(AT_FDCWD, path, 4 * 1024 * 1024); }, "env file ", quoted(path)),
        path, host);
  for (const std::string& word : options.env) apply_env_word(environment, word, host);
  process.env = environment.assignments();
}

runtime::Process make_process(const runtime::Spec& spec, const ExecOptions& options, const Observed& observed,
                              int chroot) {
  runtime::Process process = spec.process;
  process.args = options.command;
  process.terminal = options.tty;
  process.console_size = {};
  if (options.tty)
    if (const auto size = runtime::window_size(STDIN_FILENO)) process.console_size = {size->rows, size->columns};
  set_user(process, options, observed, spec, chroot);
  set_environment(process, options);
  if (!options.work_dir.empty()) process.cwd = options.work_dir;
  if (options.privileged) {
    process.capabilities.bounding = process.capabilities.effective = process.capabilities.permitted =
        all_capabilities();
  }
  return process;
}

/// Starts the process, by the runtime that made its container; it was executed when this returns.
using Start = std::function<runtime::CreatedInit(runtime::ExecRequest&)>;

runtime::CreatedInit start_built_in(runtime::ExecRequest& request) {
  runtime::CreatedInit process = runtime::exec(request);
  runtime::wait_for_exec(process);
  return process;
}

/// A runtime that fails says so on the standard error that is meant for the process, too: that is passed on only when
/// there is a process.
void hold_back_errors(runtime::ExecRequest& request, ChildStreams& streams) {
  if (request.stderr_fd != STDERR_FILENO) return;
  base::Pipe pipe = base::make_pipe();
  request.stderr_fd = pipe.write_end.get();
  streams.kept.push_back(std::move(pipe.write_end));
  streams.relay.outputs.emplace_back(std::move(pipe.read_end), STDERR_FILENO);
}

int run_attached(const storage::ContainerDir& container, runtime::ExecRequest& request, const ExecOptions& options,
                 int first, const Start& start, bool is_external) {
  ChildStreams streams;
  if (!options.tty) {
    streams = make_child_streams(options.interactive);
    request.stdin_fd = streams.in;
    request.stdout_fd = streams.out;
    request.stderr_fd = streams.err;
    if (is_external) hold_back_errors(request, streams);
  }
  base::SignalFd signals{forwarded_signals()};
  runtime::CreatedInit process = start(request);
  note_exec(container, options.id, process.process.pid());
  const auto forget = base::on_scope_exit([&] { forget_exec(container, options.id); });
  streams.kept.clear();
  streams.relay.terminal = process.terminal.get();
  streams.relay.with_stdin = options.interactive;
  streams.relay.watched = first;  // else the container's end is that of its pid namespace
  streams.relay.read_watched = [&] {
    process.process.send_signal(SIGKILL);
    return false;
  };
  streams.relay.forward_signal = [&](int signal) { process.process.send_signal(signal); };
  const runtime::RawTerminal raw{options.tty && options.interactive ? STDIN_FILENO : -1};
  return relay(process.process, std::move(streams.relay), signals).code;
}

void run_detached(Engine& engine, const storage::ContainerDir& container, const storage::ContainerRecord& record,
                  const std::string& id, int first, runtime::ExecRequest& request, const Start& start) {
  const base::UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  request.stdin_fd = request.stdout_fd = request.stderr_fd = null.get();
  start_session(engine, container, record, id, first, [&] { return start(request); });
}

}  // namespace

int exec(Engine& engine, const ExecOptions& options) {
  if (options.command.empty())
    throw make_error(ErrorKind::invalid_argument, "name the command to run: engine exec CONTAINER COMMAND");
  const storage::ContainerDir container = require_container(engine, options.container);
  const Observed observed = observe(container, engine.host.boot_id);
  if (!observed.is_started())
    throw make_error(ErrorKind::in_use, "container ", quoted(options.container), " is not running (it is ",
                     observed.state.status, ")")
        .with_hint(base::concat("engine start ", options.container));
  if (observed.is_paused())
    throw make_error(ErrorKind::in_use, "container ", quoted(options.container), " is paused")
        .with_hint(base::concat("engine unpause ", options.container));
  const std::string json = storage::read_config_json(container, runtime::max_spec_bytes);
  const runtime::Spec spec = runtime::parse_spec(json, "config.json of the container");
  check_chroot_start(engine, spec);
  const base::UniqueFd chroot = chroot_of(engine, container, spec);
  runtime::ExecRequest request{.init_pid = observed.state.process.pid,
                               .init_pidfd = observed.process.get(),
                               .process = make_process(spec, options, observed, chroot.get())};
  request.chroot = chroot.get();
  if (chroot && options.privileged)
    throw make_error(ErrorKind::unsupported, "exec --privileged is not possible in a chroot");
  add_secret_variables(container, request.process.env);
  if (!options.privileged) request.seccomp = runtime::compile_seccomp(spec.linux.seccomp_json, -1);
  request.namespaces = spec.linux.namespaces;
  const auto cgroup = find_container_cgroup(container);
  request.cgroup = cgroup.get();
  request.die_with_parent = !options.detach;
  request.preserved_fds = descriptors_to_pass(options.preserve_fds, options.preserve_fd);
  const storage::ContainerRecord record = storage::read_record(container);
  note_container_event(engine, record, "exec");
  Start start = start_built_in;
  const base::UniqueFd nothing = record.runtime.empty() ? base::UniqueFd{} : fill_gaps(request.preserved_fds);
  if (!record.runtime.empty())
    start = [&](runtime::ExecRequest& wanted) { return exec_externally(engine, container, record, wanted); };
  const int first = has_own_pid_namespace(spec) ? -1 : observed.process.get();
  if (options.detach) {
    run_detached(engine, container, record, options.id, first, request, start);
    return 0;
  }
  const int code = run_attached(container, request, options, first, start, !record.runtime.empty());
  note_container_event(engine, record, "exec_died", code);
  return code;
}

}  // namespace engine
