// Makes every kind of namespace once, in a user namespace of its own.
#include <array>
#include <chrono>
#include <sched.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/mount.hpp"
#include "base/process.hpp"
#include "engine/namespace_choice.hpp"
#include "rootless/user_namespace.hpp"

namespace engine {
namespace {

constexpr std::chrono::seconds child_limit{10};

struct Kind {
  const char* name;
  int flag;
};

constexpr std::array<Kind, 5> kinds = {{{"network", CLONE_NEWNET},
                                        {"pid", CLONE_NEWPID},
                                        {"ipc", CLONE_NEWIPC},
                                        {"uts", CLONE_NEWUTS},
                                        {"cgroup", CLONE_NEWCGROUP}}};

/// Only a process in the new pid namespace may mount it. Empty: it can be had.
std::string proc_problem() {
  const base::Command command{.path = "/proc/self/exe",
                              .argv = {"engine", "_inside", "mount-proc"},
                              .null_stdin = true,
                              .die_with_parent = true};
  const base::Output output = base::run_and_capture(command, child_limit);
  if (output.status.code == 0) return "";
  const std::string_view said = base::trim(output.out);
  return said.empty() ? "the probe died" : std::string{said};
}

/// A filter around us may allow the namespace and refuse what it is for, as podman's does.
std::string problem_of(const Kind& kind) {
  if (::unshare(kind.flag) != 0) return base::os_error("making one").message();
  if (kind.flag == CLONE_NEWUTS && ::sethostname("probe", 5) != 0)
    return base::os_error("setting a host name").message();
  return "";
}

std::string find_missing() {
  std::string lines;
  bool has_pid = true;
  for (const Kind& kind : kinds) {
    const std::string problem = problem_of(kind);
    if (problem.empty()) continue;
    lines += base::concat(kind.name, ' ', problem, '\n');
    if (kind.flag == CLONE_NEWPID) has_pid = false;
  }
  if (const std::string problem = has_pid ? proc_problem() : "without a pid namespace"; !problem.empty())
    lines += base::concat("proc ", problem, '\n');
  return lines;
}

}  // namespace

int probe_namespaces_inside() {
  const base::Channel channel = rootless::enter_mapped_namespace(true);
  const std::string lines = find_missing();
  channel.send(lines.empty() ? "\n" : lines);
  return 0;
}

int mount_proc_inside() {
  try {
    base::FilesystemContext{"proc"}.create();
    return 0;
  } catch (const base::Error& error) {
    base::write_all(STDOUT_FILENO, error.message());
    return 1;
  }
}

}  // namespace engine
