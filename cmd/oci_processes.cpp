#include "cmd/oci_processes.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/signals.hpp"

namespace cmd {
namespace {

/// Nothing for a process that is gone or not ours to look at.
std::optional<ino_t> pid_namespace_of(std::string_view process) {
  struct stat found {};
  if (::stat(base::concat("/proc/", process, "/ns/pid").c_str(), &found) != 0) return std::nullopt;
  return found.st_ino;
}

std::vector<pid_t> processes_of_namespace(pid_t init) {
  std::vector<pid_t> found{init};
  const auto wanted = pid_namespace_of(base::concat(init));
  if (!wanted || wanted == pid_namespace_of("self")) return found;  // it shares ours: others are in there, too
  for (const std::string& name : base::list_directory(AT_FDCWD, "/proc")) {
    const auto pid = base::parse_unsigned(name);
    if (pid && static_cast<pid_t>(*pid) != init && pid_namespace_of(name) == wanted)
      found.push_back(static_cast<pid_t>(*pid));
  }
  return found;
}

}  // namespace

base::UniqueFd open_pidfd(pid_t pid) {
  return base::UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
}

std::vector<pid_t> container_processes(const OciContainer& container) {
  std::vector<pid_t> found = runtime::Cgroup::open(container.state.cgroup)->processes();
  if (found.empty() && open_oci_process(container.state)) found = processes_of_namespace(container.state.process.pid);
  std::sort(found.begin(), found.end());
  return found;
}

void send_signal(int pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) != 0 && errno != ESRCH)
    throw base::os_error("sending ", base::signal_name(signal));
}

void signal_processes(const OciContainer& container, int signal) {
  std::vector<std::pair<pid_t, base::UniqueFd>> opened;
  for (const pid_t pid : container_processes(container))
    if (base::UniqueFd pidfd = open_pidfd(pid)) opened.emplace_back(pid, std::move(pidfd));
  // Looked up again after the pidfds were opened: a number that was reused meanwhile is in only one of the lists, or
  // stands for a process that came to be in the container.
  const std::vector<pid_t> still = container_processes(container);
  for (const auto& [pid, pidfd] : opened)
    if (std::binary_search(still.begin(), still.end(), pid)) send_signal(pidfd.get(), signal);
}

}  // namespace cmd
