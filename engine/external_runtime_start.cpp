#include "engine/external_runtime_start.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/channel.hpp"
#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/text.hpp"
#include "engine/container_ids.hpp"
#include "engine/error_bytes.hpp"
#include "engine/external_runtime.hpp"
#include "engine/external_runtime_console.hpp"
#include "engine/external_runtime_mounts.hpp"
#include "engine/external_runtime_spec.hpp"
#include "engine/external_runtime_words.hpp"
#include "engine/init_program.hpp"
#include "rootless/id_ranges.hpp"
#include "rootless/user_namespace.hpp"
#include "runtime/stub_plan.hpp"
#include "storage/layout.hpp"

namespace engine {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;

constexpr std::size_t max_pid_bytes = 32;
constexpr std::size_t max_verdict_bytes = 64 * 1024;

/// A container whose root is neither the caller nor may act for it cannot reach what lies in the caller's folders: its
/// root file system is mounted, in the helper's mount namespace, on an empty directory that everybody can. Empty: the
/// bundle will do.
std::string choose_root_place(const Launch& launch, const rootless::IdMap& map) {
  const rootless::HostFacts& host = launch.engine.host;
  if (rootless::map_in(map.uids, host.uid) && rootless::map_in(map.gids, host.gid)) return {};
  return concat("/tmp/engine-root-", base::random_hex(8));
}

void write_bundle(const Launch& launch, const runtime::Spec& spec, const rootless::IdMap& map, int folder,
                  const std::string& root_place, const std::string& program) {
  const rootless::HostFacts& host = launch.engine.host;
  ExternalPlace place{.program = program,
                      .map = map,
                      .outer = host.id_map,
                      .has_outer = !is_host_root(host),
                      .root_path = root_place.empty() ? oci_root : root_place,
                      .init_program = {}};
  if (launch.record.init && !has_init_program(launch.spec)) {
    base::write_file_atomically(folder, oci_init, runtime::tiny_init_program(), base::Durability::volatile_, 0755);
    place.init_program = concat(folder_path(folder), "/", oci_init);
  }
  runtime::Spec changed = external_spec(spec, place);
  if (program == "crun" && runtime::has_namespace(changed, "user")) repeat_mount_flags(changed);
  cover_own_root(changed, root_place.empty() ? concat(folder_path(folder), "/", oci_root) : root_place,
                 program == "runc");
  base::write_file_atomically(folder, "config.json", runtime::write_spec(changed), base::Durability::volatile_, 0600);
}

base::Command helper_command(const Launch& launch, const runtime::CreateRequest& request, const rootless::IdMap& map,
                             const ExternalRuntime& runtime, const std::string& root_place) {
  const HelperWords words{.container = launch.record.id,
                          .uid = is_host_root(launch.engine.host) ? rootless::map_out(map.uids, 0).value_or(0)
                                                                  : intermediate_uid(launch.engine, map, 0),
                          .gid = is_host_root(launch.engine.host) ? rootless::map_out(map.gids, 0).value_or(0)
                                                                  : intermediate_gid(launch.engine, map, 0),
                          .preserved = static_cast<unsigned>(request.preserved_fds.size()),
                          .is_root = is_host_root(launch.engine.host),
                          .terminal = request.spec.process.terminal,
                          .waits = request.start_fd >= 0,
                          .keeps_groups = request.spec.process.user.keeps_groups,
                          .root_place = root_place,
                          .runtime = runtime};
  base::Command command{.path = own_program("engine"), .argv = {"engine"}};
  for (std::string& word : same_build_options(launch.engine)) command.argv.push_back(std::move(word));
  command.argv.insert(command.argv.end(), {"_inside", "oci-start"});
  for (std::string& word : to_words(words)) command.argv.push_back(std::move(word));
  command.fds = {
      {request.stdin_fd, STDIN_FILENO}, {request.stdout_fd, STDOUT_FILENO}, {request.stderr_fd, STDERR_FILENO}};
  if (request.start_fd >= 0)
    command.fds.insert(command.fds.end(),
                       {{request.start_fd, helper_start_number}, {request.report_fd, helper_report_number}});
  for (std::size_t i = 0; i < request.preserved_fds.size(); ++i)
    command.fds.emplace_back(request.preserved_fds[i], helper_preserved_number + static_cast<int>(i));
  command.die_with_parent = true;
  return command;
}

rootless::MappedChild spawn_helper(base::Command command, const rootless::HostFacts& host) {
  if (!is_host_root(host)) return rootless::spawn_in_user_namespace(std::move(command), host.id_map, host);
  auto [ours, theirs] = base::Channel::make_pair();
  command.fds.emplace_back(theirs.fd(), helper_channel_number);
  return {base::spawn(command), std::move(ours)};
}

/// The helper's next word, which is to be this one.
base::Channel::Message expect(const base::Channel& channel, std::string_view word) {
  auto answer = channel.receive();
  if (!answer) throw make_error(ErrorKind::internal, "the helper that calls the OCI runtime died");
  if (answer->bytes == word || (word == word_created && answer->bytes == word_fuse)) return std::move(*answer);
  throw decode_error(answer->bytes);
}

void wait_for_creation(rootless::MappedChild& helper, const runtime::CreateRequest& request) {
  for (;;) {
    const base::Channel::Message message = expect(helper.channel, word_created);
    if (message.bytes == word_created) return;
    if (message.fds.size() != 1) throw make_error(ErrorKind::internal, "a helper without /dev/fuse");
    request.serve_fuse(message.fds.front().get(), helper.process.pid());
    helper.channel.send(word_served);
  }
}

std::vector<int> numbers_of(const std::vector<base::UniqueFd>& fds) {
  std::vector<int> numbers;
  for (const base::UniqueFd& fd : fds) numbers.push_back(fd.get());
  return numbers;
}

}  // namespace

base::Child adopt_process(int folder) {
  const std::string text = base::read_file(folder, oci_pid, max_pid_bytes);
  const auto number = base::parse_unsigned(base::trim(text));
  if (!number || *number < 2) throw make_error(ErrorKind::internal, "the OCI runtime wrote no process id");
  const auto pid = static_cast<pid_t>(*number);
  base::UniqueFd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!pidfd) throw base::os_error("opening the container's process");
  return base::Child{pid, std::move(pidfd)};
}

void become_subreaper() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) throw base::os_error("becoming the parent of orphans");
}

runtime::CreatedInit create_externally(const Launch& launch, runtime::CreateRequest& request,
                                       const rootless::IdMap& map) {
  const ExternalRuntime runtime = external_runtime_of(launch.engine.config, launch.record);
  if (const std::string obstacle = external_obstacle(request.spec, program_name(runtime.path)); !obstacle.empty())
    throw make_error(ErrorKind::unsupported, "container ", base::quoted(launch.record.name), " cannot run under ",
                     base::quoted(runtime.name), ": ", obstacle)
        .with_hint("the built-in runtime can");
  delete_externally(launch.engine, launch.container, launch.record);
  const base::UniqueFd folder = make_oci_folder(launch.container);
  const std::string root_place = choose_root_place(launch, map);
  write_bundle(launch, request.spec, map, folder.get(), root_place, program_name(runtime.path));
  make_root_place(root_place);
  std::optional<ConsoleSocket> console;
  if (request.spec.process.terminal) console.emplace(folder.get(), oci_console);
  become_subreaper();
  rootless::MappedChild helper =
      spawn_helper(helper_command(launch, request, map, runtime, root_place), launch.engine.host);
  if (request.cgroup != nullptr) request.cgroup->add(helper.process.pid());
  helper.channel.send(word_go, numbers_of(request.given_to_root));
  wait_for_creation(helper, request);
  runtime::CreatedInit init;
  init.process = adopt_process(folder.get());
  if (console) init.terminal = console->receive();
  if (request.cgroup != nullptr) request.cgroup->add(init.process.pid());  // wherever the runtime has put it
  if (request.set_up_network) request.set_up_network(init.process.pid());
  if (request.start_fd >= 0) {
    helper.process.detach();  // waits for `start`; the monitor reaps it
    return init;
  }
  helper.channel.send(word_start);
  expect(helper.channel, word_started);
  helper.process.wait();
  return init;
}

void check_started_externally(const storage::ContainerDir& container, const storage::ContainerRecord& record,
                              bool has_ended) {
  const auto verdict = base::try_read_file(open_oci_folder(container).get(), oci_verdict, max_verdict_bytes);
  // The helper goes with the monitor of a container that ended at once.
  if (!verdict && has_ended) return;
  if (!verdict)
    throw make_error(ErrorKind::command_not_usable, "container ", base::quoted(record.name),
                     " was not started: the process that was to do it under ", base::quoted(record.runtime),
                     " has ended");
  if (*verdict != word_started) throw decode_error(*verdict);
}

}  // namespace engine
