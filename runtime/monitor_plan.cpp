#include "runtime/monitor_plan.hpp"

#include <charconv>
#include <optional>
#include <system_error>
#include <vector>

#include "base/error.hpp"
#include "runtime/stub/images.hpp"
#include "runtime/stub/plan_check.h"
#include "runtime/stub_buffer.hpp"
#include "runtime/stub_plan.hpp"

namespace runtime {
namespace {

void add_descriptors(const MonitorPlan& plan, monitor_plan& header) {
  header.init_pid = plan.init_pid;
  header.init_pidfd = plan.init_pidfd;
  header.terminal_fd = plan.terminal_fd;
  header.stdin_fd = plan.stdin_fd;
  header.stdout_fd = plan.stdout_fd;
  header.stderr_fd = plan.stderr_fd;
  header.log_fd = plan.log_fd;
  header.listen_fd = plan.listen_fd;
  header.client_fd = plan.client_fd;
  header.container_fd = plan.container_fd;
  header.alive_fd = plan.alive_fd;
  header.network_exit_fd = plan.network_exit_fd;
  header.log_directory_fd = plan.log_directory_fd;
  header.journal_fd = plan.journal_fd;
  header.first_pidfd = plan.first_pidfd;
  header.notify_fd = plan.notify_fd;
  header.oom_fd = plan.oom_fd;
}

void add_cleanup(const MonitorPlan& plan, StubBuffer& buffer, monitor_plan& header) {
  if (plan.cleanup_argv.empty() && plan.check_argv.empty()) return;
  header.check_argc = static_cast<std::uint32_t>(plan.check_argv.size());
  header.check_argv = buffer.add_strings(plan.check_argv);
  header.check_interval = static_cast<std::uint64_t>(plan.check_interval.count());
  header.check_soon = static_cast<std::uint64_t>(plan.check_soon.count());
  header.cleanup_path = buffer.add_string(plan.cleanup_path);
  header.cleanup_argc = static_cast<std::uint32_t>(plan.cleanup_argv.size());
  header.cleanup_argv = buffer.add_strings(plan.cleanup_argv);
  header.cleanup_envc = static_cast<std::uint32_t>(plan.cleanup_env.size());
  header.cleanup_envp = buffer.add_strings(plan.cleanup_env);
}

}  // namespace

std::string encode_monitor_plan(const MonitorPlan& plan) {
  StubBuffer buffer{sizeof(monitor_plan), MONITOR_PLAN_MAX_BYTES, "the monitor's plan"};
  monitor_plan header{};
  header.magic = MONITOR_PLAN_MAGIC;
  header.version = MONITOR_PLAN_VERSION;
  header.flags = static_cast<std::uint32_t>(
      (plan.terminal ? MONITOR_TTY : 0) | (plan.log_fd >= 0 ? MONITOR_LOG : 0) |
      (plan.auto_remove ? MONITOR_AUTO_REMOVE : 0) | (plan.is_session ? MONITOR_SESSION : 0) |
      (plan.ends_all ? MONITOR_ENDS_ALL : 0) | (plan.cleanup_if_asked ? MONITOR_IF_ASKED : 0));
  header.log_max_bytes = plan.log_max_bytes;
  header.log_max_files = plan.log_max_files;
  header.stop_signal = static_cast<std::uint32_t>(plan.stop_signal);
  header.stop_patience = static_cast<std::uint64_t>(plan.stop_patience.count());
  header.kill_after = static_cast<std::uint64_t>(plan.kill_after.count());
  add_descriptors(plan, header);
  header.exit_name = buffer.add_string(plan.exit_name);
  header.log_name = buffer.add_string(plan.log_name);
  if (!plan.event_path.empty()) {
    header.event_path = buffer.add_string(plan.event_path);
    header.event_head = buffer.add_string(plan.event_head);
    header.event_name = buffer.add_string(plan.event_name);
    header.event_tail = buffer.add_string(plan.event_tail);
  }
  if (plan.journal_fd >= 0) {
    header.journal_path = buffer.add_string(plan.journal_path);
    header.journal_fields = buffer.add_string(plan.journal_fields);
  }
  if (plan.notify_fd >= 0) header.notify_path = buffer.add_string(plan.notify_path);
  add_cleanup(plan, buffer, header);
  header.total_size = buffer.total_size();
  std::string bytes = std::move(buffer).finish(&header);
  if (monitor_plan_is_valid(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()) == 0)
    throw base::Error{base::ErrorKind::invalid_argument, "the monitor's plan names a descriptor below 3 or no process"};
  return bytes;
}

base::UniqueFd make_monitor_executable() {
  return make_executable("engine-monitor", {reinterpret_cast<const char*>(monitor_image), monitor_image_size});
}

void exec_monitor(int executable_fd, const MonitorPlan& plan) {
  const base::UniqueFd plan_fd = make_plan_fd(encode_monitor_plan(plan));
  for (const int fd : {plan.init_pidfd, plan.terminal_fd, plan.stdin_fd, plan.stdout_fd, plan.stderr_fd, plan.log_fd,
                       plan.listen_fd, plan.client_fd, plan.container_fd, plan.alive_fd, plan.network_exit_fd,
                       plan.oom_fd, plan.log_directory_fd, plan.journal_fd, plan.notify_fd, plan.first_pidfd})
    if (!make_inheritable(fd)) throw base::os_error("handing descriptors to the monitor");
  const int code = exec_stub(executable_fd, "engine-monitor", plan_fd.get());
  throw base::error_from_code(code, "executing the monitor");
}

namespace {

/// A number in front of `separator`, which is taken away with it.
std::optional<std::int64_t> take_number(std::string_view& text, char separator) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data() + text.size() || *end != separator) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return number;
}

}  // namespace

ExitRecord parse_exit_record(std::string_view text) {
  std::vector<std::int64_t> numbers;
  std::string_view rest = text;
  for (const char separator : {' ', ' ', ' ', '.', '\n'}) {
    const std::optional<std::int64_t> number = take_number(rest, separator);
    if (!number) throw base::make_error(base::ErrorKind::corrupt, "malformed exit record ", base::quoted(text));
    numbers.push_back(*number);
  }
  return {static_cast<int>(numbers[0]), numbers[1] != 0, numbers[2] != 0, numbers[3], static_cast<long>(numbers[4])};
}

}  // namespace runtime
