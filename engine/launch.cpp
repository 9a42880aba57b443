#include "engine/launch.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/external_runtime_words.hpp"
#include "engine/joined_namespaces.hpp"
#include "engine/keeper.hpp"
#include "engine/late_layers.hpp"
#include "engine/monitor_orders.hpp"
#include "engine/notify.hpp"
#include "engine/reconcile.hpp"
#include "runtime/monitor_plan.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

sockaddr_un attach_address(int folder, const std::string& id) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // Through /proc, because the real path may be longer than the 107 bytes that sun_path has.
  const std::string path = concat("/proc/self/fd/", folder, "/", id);
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

base::UniqueFd attach_folder(const storage::Store& store) {
  return base::make_directory(store.run(), "attach");
}

base::UniqueFd new_socket() {
  base::UniqueFd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  if (!fd) throw base::os_error("making an attach socket");
  return fd;
}

base::UniqueFd listen_for_clients(const storage::Store& store, const std::string& id) {
  const base::UniqueFd folder = attach_folder(store);
  base::unlink_file(folder.get(), id);
  base::UniqueFd fd = new_socket();
  const sockaddr_un address = attach_address(folder.get(), id);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(fd.get(), 8) != 0)
    throw base::os_error("listening on the attach socket of ", id);
  return fd;
}

/// The container's three streams, seen from both sides.
struct Streams {
  base::Pipe in, out, err;
  base::UniqueFd null;
};

Streams make_streams(const storage::ContainerRecord& record) {
  Streams streams;
  streams.null = base::UniqueFd{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (record.tty) return streams;
  if (record.log_driver == "passthrough") {
    PassedStreams passed = pass_streams();
    streams.in.read_end = std::move(passed.in);
    streams.out.write_end = std::move(passed.out);
    streams.err.write_end = std::move(passed.err);
    return streams;
  }
  if (record.open_stdin) streams.in = base::make_pipe();
  streams.out = base::make_pipe();
  streams.err = base::make_pipe();
  return streams;
}

Stdio stdio_of(const storage::ContainerRecord& record, const Streams& streams) {
  const int null = streams.null.get();
  const auto or_null = [null](const base::UniqueFd& fd) { return fd ? fd.get() : null; };
  if (record.tty) return {null, null, null};
  return {or_null(streams.in.read_end), or_null(streams.out.write_end), or_null(streams.err.write_end)};
}

std::chrono::milliseconds stop_patience(const storage::ContainerRecord& record) {
  return std::min(std::chrono::milliseconds{std::chrono::seconds{record.stop_timeout_seconds}},
                  std::chrono::milliseconds{MONITOR_MAX_MILLISECONDS});
}

[[noreturn]] void become_monitor(const Launch& launch, StartedInit& started, Streams& streams,
                                 const base::FileLock& alive, const base::UniqueFd& listener,
                                 const base::Channel& client, base::Channel& verdict, const Watch& watch,
                                 const MonitorFiles& files) {
  const base::UniqueFd executable = runtime::make_monitor_executable();
  runtime::MonitorPlan plan;
  plan.init_pid = started.init.process.pid();
  plan.init_pidfd = started.init.process.pidfd();
  plan.terminal = launch.record.tty;
  plan.terminal_fd = started.init.terminal.get();
  plan.stdin_fd = streams.in.write_end.get();
  plan.stdout_fd = streams.out.read_end.get();
  plan.stderr_fd = streams.err.read_end.get();
  plan.listen_fd = listener.get();
  plan.client_fd = client.fd();
  plan.container_fd = launch.container.dir.get();
  plan.alive_fd = alive.fd();
  plan.network_exit_fd = started.network_exit.get();
  plan.oom_fd = started.oom_count.get();
  add_events(plan, launch.engine, launch.record);
  plan.ends_all = !has_own_pid_namespace(launch.spec);
  plan.auto_remove = launch.record.auto_remove;
  plan.stop_signal = launch.record.stop_signal;
  plan.stop_patience = stop_patience(launch.record);
  add_orders(plan, launch, watch, files);
  // The monitor has to see the end of each stream: no write end may stay open here.
  streams.in.read_end.reset();
  streams.out.write_end.reset();
  streams.err.write_end.reset();
  // Last, so that whatever fails before is told, and ends the container.
  tell_success(verdict);
  runtime::exec_monitor(executable.get(), plan);
}

/// A --rm container that ended belongs to its clean-up, which may be about to begin. It could not run again anyway: its
/// overlay was mounted "volatile", and the kernel mounts such an upper directory once.
std::optional<base::FileLock> take_alive_to_start(const Launch& launch) {
  const std::string& boot_id = launch.engine.host.boot_id;
  auto alive = take_alive(launch.container, boot_id);
  if (alive && launch.record.auto_remove && observe(launch.container, boot_id).state.status != "created")
    throw make_error(ErrorKind::not_found, "container ", quoted(launch.record.name), " has ended and is being removed");
  return alive;
}

/// The keeper's whole life, at the end of which the process becomes the monitor.
[[noreturn]] void keep(const Launch& launch, std::optional<base::FileLock> alive, base::Channel& verdict,
                       const base::Channel& client) {
  if (alive)
    alive->name_holder();
  else
    alive = take_alive_to_start(launch);
  if (!alive) throw make_error(ErrorKind::in_use, "container ", quoted(launch.record.name), " is running already");
  Streams streams = make_streams(launch.record);
  const base::UniqueFd listener = listen_for_clients(launch.engine.store(), launch.record.id);
  const Watch watch = read_watch(launch.container);
  const MonitorFiles files = open_monitor_files(launch, watch);
  leave_caller(verdict);
  if (!has_own_pid_namespace(launch.spec)) become_subreaper();
  StartedInit started = start_init(launch, *alive, stdio_of(launch.record, streams), false);
  become_monitor(launch, started, streams, *alive, listener, client, verdict, watch, files);
}

}  // namespace

base::Channel launch_with_keeper(const Launch& launch, bool attach, std::optional<base::FileLock> alive) {
  complete_layers(launch.engine, launch.record, launch.record.runtime.empty());
  launch.engine.store();  // opened before the fork, so that both sides use the same descriptors
  std::pair<base::Channel, base::Channel> stream;
  if (attach) stream = base::Channel::make_pair();
  const Watch watch = notify_socket().empty() ? Watch{} : read_watch(launch.container);
  // systemd waits for the end of its own children only; and when it is told of the monitor, we are still here.
  const KeeperParent parent = is_notifying(watch) ? KeeperParent::whoever_adopts : KeeperParent::us;
  const pid_t pid =
      fork_keeper(concat("the keeper of container ", quoted(launch.record.name)), parent, [&](base::Channel& verdict) {
        stream.first.close();
        keep(launch, std::move(alive), verdict, stream.second);
      });
  launch.engine.early_user_namespace.reset();
  notify_started(watch, pid);
  return std::move(stream.first);
}

base::Channel connect_attach(const storage::Store& store, const std::string& id) {
  const base::UniqueFd folder = attach_folder(store);
  base::UniqueFd fd = new_socket();
  const sockaddr_un address = attach_address(folder.get(), id);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw make_error(ErrorKind::in_use, "container ", id.substr(0, 12), " has no monitor to attach to");
  return base::Channel{std::move(fd)};
}

}  // namespace engine
