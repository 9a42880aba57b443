// A keeper for the monitor's tests: starts a program as "init" and turns into the monitor of it.
//   test_keeper pipes|terminal LOG_MAX_BYTES CLEANUP_SCRIPT PROGRAM [ARGUMENT …]
// Of the environment: JOURNAL, a socket for output; KILL_AFTER, milliseconds; CHECK, a script that is executed again
// and again; NOTIFY, a socket to tell of READY=1 that comes to descriptor 14. Descriptors: 10 client, 11 container
// folder, 12 listening socket, 13 log; any of them may be missing.

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include "base/process.hpp"
#include "runtime/monitor_plan.hpp"
#include "runtime/terminal.hpp"

namespace {

int if_open(int fd) {
  return ::fcntl(fd, F_GETFD) < 0 ? -1 : fd;
}

base::Child start_program(runtime::MonitorPlan& plan, base::Command& command) {
  if (plan.terminal) {
    runtime::Terminal terminal = runtime::open_terminal(-1);
    for (int fd = 0; fd < 3; ++fd) command.fds.emplace_back(terminal.slave.get(), fd);
    plan.terminal_fd = terminal.master.release();
    return base::spawn(command);
  }
  base::Pipe in = base::make_pipe(), out = base::make_pipe(), err = base::make_pipe();
  command.fds = {{in.read_end.get(), 0}, {out.write_end.get(), 1}, {err.write_end.get(), 2}};
  plan.stdin_fd = in.write_end.release();
  plan.stdout_fd = out.read_end.release();
  plan.stderr_fd = err.read_end.release();
  return base::spawn(command);
}

void add_orders(runtime::MonitorPlan& plan) {
  if (const char* path = std::getenv("JOURNAL")) {
    plan.journal_fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    plan.journal_path = path;
    plan.journal_fields = "CONTAINER_NAME=box\n";
  }
  if (const char* path = std::getenv("NOTIFY")) {
    plan.notify_fd = if_open(14);
    plan.notify_path = path;
  }
  if (const char* limit = std::getenv("KILL_AFTER")) plan.kill_after = std::chrono::milliseconds{std::atoi(limit)};
  if (const char* script = std::getenv("CHECK")) {
    plan.cleanup_path = "/bin/sh";
    plan.check_argv = {"sh", "-c", script};
    plan.check_interval = std::chrono::milliseconds{1};
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  runtime::MonitorPlan plan;
  plan.terminal = std::string{argv[1]} == "terminal";
  plan.client_fd = if_open(10);
  plan.container_fd = if_open(11);
  plan.listen_fd = if_open(12);
  plan.log_fd = if_open(13);
  plan.log_directory_fd = plan.container_fd;
  plan.log_max_bytes = std::strtoull(argv[2], nullptr, 10);
  if (*argv[3] != '\0') {
    plan.cleanup_path = "/bin/sh";
    plan.cleanup_argv = {"sh", "-c", argv[3]};
    plan.cleanup_env = {"CLIENT=10"};
    plan.auto_remove = true;
  }
  add_orders(plan);
  base::Command command;
  command.path = argv[4];
  command.argv = {argv + 4, argv + argc};
  command.new_session = true;
  base::Child child = start_program(plan, command);
  plan.init_pidfd = ::fcntl(child.pidfd(), F_DUPFD_CLOEXEC, 3);
  plan.init_pid = child.detach();
  const base::UniqueFd image = runtime::make_monitor_executable();
  runtime::exec_monitor(image.get(), plan);
}
