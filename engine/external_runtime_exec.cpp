// Further calls of another OCI runtime for a container that it has: exec and delete.

#include <array>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "base/scope_exit.hpp"
#include "engine/external_runtime_console.hpp"
#include "engine/external_runtime_start.hpp"
#include "engine/external_runtime_words.hpp"
#include "engine/names.hpp"
#include "rootless/user_namespace.hpp"
#include "runtime/spec.hpp"

namespace engine {
namespace {

using base::concat;

constexpr const char* process_file = "process.json";

runtime::Spec read_bundle(int folder) {
  return runtime::parse_spec(base::read_file(folder, "config.json", runtime::max_spec_bytes),
                             "the runtime's config.json");
}

bool is_same(int one, int other) {
  struct stat first {};
  struct stat second {};
  if (::fstat(one, &first) != 0 || ::fstat(other, &second) != 0) throw base::os_error("looking at a user namespace");
  return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

base::UniqueFd open_user_namespace(const std::string& process) {
  base::UniqueFd fd{::open(concat("/proc/", process, "/ns/user").c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening the user namespace of process ", process);
  return fd;
}

/// The user namespace that the runtime was in: of those around the container's process the one right below ours.
base::UniqueFd user_namespace_of_runtime(pid_t pid) {
  const base::UniqueFd ours = open_user_namespace("self");
  base::UniqueFd found = open_user_namespace(concat(pid));
  for (;;) {
    base::UniqueFd parent{::ioctl(found.get(), NS_GET_PARENT)};
    if (!parent) throw base::os_error("finding the user namespace around the container's");
    if (is_same(parent.get(), ours.get())) return found;
    found = std::move(parent);
  }
}

std::string process_json(const runtime::Process& process) {
  runtime::Spec spec;
  spec.process = process;
  return base::JsonAt::parse(runtime::write_spec(spec), "a process").at("process").dump();
}

base::Command helper_command(const Engine& engine, CallPlace place, const ExternalCall& call) {
  base::Command command{.path = own_program("engine"), .argv = {"engine"}};
  for (std::string& word : same_build_options(engine)) command.argv.push_back(std::move(word));
  command.argv.insert(command.argv.end(), {"_inside", "oci-call"});
  for (std::string& word : to_words(place, call)) command.argv.push_back(std::move(word));
  command.fds.emplace_back(call.folder, call_folder_number);
  return command;
}

std::vector<std::string> exec_words(const std::string& id, const runtime::ExecRequest& request) {
  std::vector<std::string> words{"exec", "--detach", concat("--process=", process_file),
                                 concat("--pid-file=", oci_pid)};
  if (request.process.terminal) words.push_back(concat("--console-socket=", oci_console));
  if (!request.preserved_fds.empty()) words.push_back(concat("--preserve-fds=", request.preserved_fds.size()));
  words.push_back(id);
  return words;
}

void run_helper(const Engine& engine, const runtime::ExecRequest& request, const ExternalCall& call) {
  make_root_place(read_bundle(call.folder).root_path);  // where runc wants to be
  const bool is_root = is_host_root(engine.host);
  base::Command command = helper_command(engine, is_root ? CallPlace::here : CallPlace::joined, call);
  const base::UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  std::array<int, 3> streams{request.stdin_fd, request.stdout_fd, request.stderr_fd};
  if (request.process.terminal) streams.fill(null.get());  // which takes their place
  base::UniqueFd user_namespace;
  if (!is_root) {
    user_namespace = user_namespace_of_runtime(request.init_pid);
    command.fds.emplace_back(user_namespace.get(), call_user_namespace_number);
  }
  command.fds.insert(command.fds.end(),
                     {{streams[0], STDIN_FILENO}, {streams[1], STDOUT_FILENO}, {streams[2], STDERR_FILENO}});
  for (std::size_t i = 0; i < request.preserved_fds.size(); ++i)
    command.fds.emplace_back(request.preserved_fds[i], helper_preserved_number + static_cast<int>(i));
  base::Pipe gate = base::make_pipe();
  command.fds.emplace_back(gate.read_end.get(), call_gate_number);
  base::Child helper = base::spawn(command);
  if (request.cgroup != nullptr) request.cgroup->add(helper.pid());
  gate.write_end.reset();
  const int status = helper.wait().code;
  if (status == 0) return;
  const base::UniqueFd work = base::open_directory(call.folder, call.work_folder);
  throw external_error(call.runtime, work.get(), "exec", status);
}

}  // namespace

runtime::CreatedInit exec_externally(Engine& engine, const storage::ContainerDir& container,
                                     const storage::ContainerRecord& record, const runtime::ExecRequest& request) {
  const ExternalRuntime runtime = external_runtime_of(engine.config, record);
  const base::UniqueFd folder = open_oci_folder(container);
  const ExternalCall call{.runtime = runtime,
                          .folder = folder.get(),
                          .work_folder = concat("exec-", base::random_hex(8)),
                          .words = exec_words(record.id, request),
                          .preserved = static_cast<unsigned>(request.preserved_fds.size()),
                          .umask = static_cast<mode_t>(request.process.user.umask.value_or(0022))};
  const base::UniqueFd work = base::make_directory(folder.get(), call.work_folder, 0700);
  const auto undo = base::on_scope_exit([&] { base::remove_tree(folder.get(), call.work_folder); });
  base::write_file_atomically(work.get(), process_file, process_json(request.process), base::Durability::volatile_,
                              0600);
  std::optional<ConsoleSocket> console;
  if (request.process.terminal) console.emplace(work.get(), oci_console);
  become_subreaper();
  run_helper(engine, request, call);
  runtime::CreatedInit started;
  started.process = adopt_process(work.get());
  if (request.cgroup != nullptr) request.cgroup->add(started.process.pid());  // wherever the runtime has put it
  if (console) started.terminal = console->receive();
  return started;
}

void make_root_place(const std::string& path) {
  if (!path.starts_with('/')) return;  // in the bundle
  // It stands in /tmp, where somebody else may have put a link in its place after it was cleaned away.
  const base::UniqueFd place = base::make_directory(AT_FDCWD, path, 0711);
  ::fchmod(place.get(), 0711);
}

void delete_externally(Engine& engine, const storage::ContainerDir& container,
                       const storage::ContainerRecord& record) noexcept {
  try {
    const auto folder = base::try_open_directory(container.dir.get(), oci_folder);
    if (!folder) return;
    const std::string root_place = read_bundle(folder->get()).root_path;
    const auto undo = base::on_scope_exit([&] {
      if (root_place.starts_with('/')) ::rmdir(root_place.c_str());
    });
    if (base::list_directory(folder->get(), oci_state).empty()) return;
    const ExternalRuntime runtime = external_runtime_of(engine.config, record);
    const ExternalCall call{.runtime = runtime, .folder = folder->get(), .words = {"delete", "--force", record.id}};
    const bool is_root = is_host_root(engine.host);
    base::Command command = helper_command(engine, is_root ? CallPlace::here : CallPlace::mapped, call);
    const base::UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) command.fds.emplace_back(null.get(), number);
    command.fds.emplace_back(null.get(), call_gate_number);
    if (is_root)
      base::spawn(command).wait();
    else
      rootless::spawn_in_user_namespace(std::move(command), engine.host.id_map, engine.host).process.wait();
  } catch (const base::Error& error) {
    base::log(base::LogLevel::debug, "the OCI runtime of container ", record.name, ": ", error.message());
  }
}

}  // namespace engine
