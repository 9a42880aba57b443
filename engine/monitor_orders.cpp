#include "engine/monitor_orders.hpp"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/after_end.hpp"
#include "engine/container_cgroup.hpp"
#include "engine/events.hpp"
#include "engine/journal.hpp"
#include "engine/log_tag.hpp"
#include "engine/notify.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr timeval journal_patience{.tv_sec = 2, .tv_usec = 0};
/// Seconds from one health check to the next, when the interval is shorter than any process takes.
constexpr std::chrono::milliseconds shortest_interval{100};

base::UniqueFd open_log(int directory, const std::string& name) {
  base::UniqueFd fd{
      ::openat(directory, name.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600)};
  if (!fd) throw base::os_error("opening the log of the container, ", quoted(name));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))
    throw make_error(ErrorKind::invalid_argument, "the log of the container, ", quoted(name), ", is not a file");
  base::set_nonblocking(fd.get(), false);
  return fd;
}

base::UniqueFd open_journal() {
  base::UniqueFd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!fd) throw base::os_error("making a socket for the journal");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string_view{journal_socket}.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw make_error(ErrorKind::unsupported, "there is no journal of systemd on this host (", journal_socket, ")")
        .with_hint("--log-driver k8s-file");
  // Each message says where it goes: a journal that was restarted is another socket.
  base::UniqueFd unconnected{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!unconnected ||
      ::setsockopt(unconnected.get(), SOL_SOCKET, SO_SNDTIMEO, &journal_patience, sizeof journal_patience) != 0)
    throw base::os_error("making a socket for the journal");
  return unconnected;
}

std::vector<std::string> own_command(const Launch& launch, std::string_view verb) {
  std::vector<std::string> words{"engine"};
  for (std::string& word : same_settings_options(launch.engine)) words.push_back(std::move(word));
  words.insert(words.end(), {std::string{verb}, launch.record.id});
  return words;
}

/// For who asks for it while the container runs. A plan has a largest size, which is not to be met for that.
void add_later_clean_up(runtime::MonitorPlan& plan, const Launch& launch) {
  constexpr std::size_t most_bytes = 256 * 1024;
  std::size_t bytes = 0;
  for (char** entry = environ; *entry != nullptr; ++entry) bytes += std::strlen(*entry) + 1;
  if (bytes > most_bytes) return;
  plan.cleanup_argv = own_command(launch, "_cleanup");
  plan.cleanup_if_asked = true;
}

void add_commands(runtime::MonitorPlan& plan, const Launch& launch, const Watch& watch) {
  if (launch.record.auto_remove)
    plan.cleanup_argv = own_command(launch, "_cleanup");
  else if (watch.restarts())
    plan.cleanup_argv = own_command(launch, "_restart");
  else if (has_cgroup(launch.container) || has_work_after_end(launch.container))
    plan.cleanup_argv = own_command(launch, "_cleanup");
  else
    add_later_clean_up(plan, launch);
  if (watch.health.is_there() && watch.health.interval.count() > 0) {
    plan.check_argv = own_command(launch, "_health");
    plan.check_interval = std::max(watch.health.interval, shortest_interval);
    plan.check_soon = watch.startup.is_there() ? watch.startup.interval : watch.health.start_interval;
    if (plan.check_soon.count() > 0) plan.check_soon = std::max(plan.check_soon, shortest_interval);
  }
  if (plan.cleanup_argv.empty() && plan.check_argv.empty()) return;
  plan.cleanup_path = path_of_own_program("engine");
  for (char** entry = environ; *entry != nullptr; ++entry) plan.cleanup_env.emplace_back(*entry);
}

base::UniqueFd passed_stream(int number) {
  struct stat info {};
  if (::fstat(number, &info) == 0 && S_ISDIR(info.st_mode)) return {};
  if (::isatty(number) != 0)
    throw make_error(ErrorKind::invalid_argument, "the '--log-driver passthrough' option cannot be used on a TTY");
  base::UniqueFd fd{::fcntl(number, F_DUPFD_CLOEXEC, 3)};
  if (!fd) throw base::os_error("passing our streams on");
  return fd;
}

}  // namespace

void ask_for_clean_up(const storage::ContainerDir& container) {
  base::write_file_atomically(container.dir.get(), MONITOR_CLEANUP_FILE, "", base::Durability::volatile_);
}

void forget_clean_up(const storage::ContainerDir& container) {
  base::unlink_file(container.dir.get(), MONITOR_CLEANUP_FILE);
}

MonitorFiles open_monitor_files(const Launch& launch, const Watch& watch) {
  MonitorFiles files;
  const std::string& driver = launch.record.log_driver;
  files.notify = make_notify_socket(watch, launch.container);
  if (driver == "journald") files.journal = open_journal();
  if (driver == "none" || driver == "passthrough" || driver == "journald") return files;
  if (watch.log_path.empty()) {
    files.log_directory = base::UniqueFd{::fcntl(launch.container.dir.get(), F_DUPFD_CLOEXEC, 3)};
  } else {
    const std::size_t slash = watch.log_path.rfind('/');
    files.log_name = watch.log_path.substr(slash + 1);
    files.log_directory = base::open_directory(AT_FDCWD, slash == 0 ? "/" : watch.log_path.substr(0, slash));
  }
  files.log = open_log(files.log_directory.get(), files.log_name);
  return files;
}

void add_events(runtime::MonitorPlan& plan, const Engine& engine, const storage::ContainerRecord& record) {
  EventParts events = event_parts(engine, record);
  plan.event_path = std::move(events.path);
  plan.event_head = std::move(events.head);
  plan.event_name = std::move(events.name);
  plan.event_tail = std::move(events.tail);
}

void add_orders(runtime::MonitorPlan& plan, const Launch& launch, const Watch& watch, const MonitorFiles& files) {
  plan.log_fd = files.log.get();
  plan.log_directory_fd = files.log_directory.get();
  plan.log_name = files.log_name;
  plan.log_max_bytes = watch.log_max_bytes;
  plan.log_max_files = watch.log_max_files;
  plan.journal_fd = files.journal.get();
  plan.journal_path = journal_socket;
  if (files.journal) plan.journal_fields = journal_fields(launch.record, watch);
  plan.notify_fd = files.notify.get();
  if (files.notify) plan.notify_path = notify_socket();
  plan.kill_after = std::chrono::seconds{watch.timeout_seconds};
  add_commands(plan, launch, watch);
}

PassedStreams pass_streams() {
  return {passed_stream(STDIN_FILENO), passed_stream(STDOUT_FILENO), passed_stream(STDERR_FILENO)};
}

std::string journal_fields(const storage::ContainerRecord& record, const Watch& watch) {
  std::string fields;
  const auto add = [&fields](std::string_view name, std::string value) {
    std::replace(value.begin(), value.end(), '\n', ' ');
    fields += concat(name, '=', value, '\n');
  };
  add("CONTAINER_NAME", record.name);
  add("CONTAINER_ID", record.id.substr(0, 12));
  add("CONTAINER_ID_FULL", record.id);
  const std::string tag = log_tag(watch.log_tag, record);
  if (!tag.empty()) add("CONTAINER_TAG", tag);
  add("IMAGE_NAME", record.rootfs.empty() ? record.image_name : record.rootfs);
  add("SYSLOG_IDENTIFIER", tag.empty() ? record.name : tag);
  return fields;
}

}  // namespace engine
