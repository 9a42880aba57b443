#include "engine/host_datagrams.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "engine/context.hpp"
#include "rootless/host_datagrams.hpp"

namespace engine {

using base::concat;

namespace {

constexpr std::size_t max_words_bytes = 4096;
constexpr int user_namespace_fd = 3, network_namespace_fd = 4, container_fd = 5, lock_fd = 6;

base::UniqueFd open_file(const std::string& path, int flags) {
  base::UniqueFd fd{::open(path.c_str(), flags | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening ", base::quoted(path));
  return fd;
}

void warn(std::string_view problem) {
  base::log(base::LogLevel::warn, "this host itself may get no answers from published UDP ports: ", problem);
}

base::Child spawn_relay(pid_t container, const std::vector<rootless::HostSide>& sides, int ports_lock) {
  const base::UniqueFd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, container, 0))};
  if (!pidfd) throw base::os_error("opening process ", container);
  const base::UniqueFd user = open_file(concat("/proc/", container, "/ns/user"), O_RDONLY);
  const base::UniqueFd network = open_file(concat("/proc/", container, "/ns/net"), O_RDONLY);
  const base::UniqueFd null = open_file("/dev/null", O_RDWR);
  base::Pipe answer = base::make_pipe();
  base::Command command{.path = path_of_own_program("engine"), .argv = {"engine", "_network", "datagrams"}};
  for (const rootless::HostSide& side : sides) command.argv.push_back(rootless::host_side_word(side));
  command.fds = {{null.get(), STDIN_FILENO},      {answer.write_end.get(), STDOUT_FILENO}, {null.get(), STDERR_FILENO},
                 {user.get(), user_namespace_fd}, {network.get(), network_namespace_fd},   {pidfd.get(), container_fd}};
  if (ports_lock >= 0) command.fds.emplace_back(ports_lock, lock_fd);
  command.new_session = true;
  base::Child child = base::spawn(command);
  answer.write_end.reset();
  std::string words = base::read_to_end(answer.read_end.get(), max_words_bytes);
  const bool is_running = words.ends_with('+');
  if (is_running) words.pop_back();
  if (!words.empty() || !is_running) warn(words.empty() ? "its relay ended" : words);
  return is_running ? std::move(child) : base::Child{};
}

/// The reader goes on when this is closed.
void say_ready(const std::string& problem) {
  base::write_all(STDOUT_FILENO, problem + '+');
  ::dup2(STDIN_FILENO, STDOUT_FILENO);
}

}  // namespace

base::Child start_host_datagrams(pid_t container, const std::string& helper, const rootless::NetworkOptions& options,
                                 int ports_lock) {
  const std::vector<rootless::HostSide> sides = rootless::unanswered_datagrams(helper, options);
  if (sides.empty()) return {};
  try {
    return spawn_relay(container, sides, ports_lock);
  } catch (const base::Error& error) {
    warn(error.message());
    return {};
  }
}

int host_datagrams_child(const std::vector<std::string>& words) {
  std::vector<rootless::HostSide> sides;
  std::transform(words.begin(), words.end(), std::back_inserter(sides), rootless::parse_host_side);
  try {
    rootless::relay_host_datagrams(sides, user_namespace_fd, network_namespace_fd, container_fd, say_ready);
  } catch (const base::Error& error) {
    base::write_all(STDOUT_FILENO, error.message());
    return 1;
  }
  return 0;
}

}  // namespace engine
