#include "base/process.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/single_threaded.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"

namespace base {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// ---- The child half: async-signal-safe calls on memory that the parent prepared, nothing else. -----------------

enum class ChildStep : std::int32_t { parent_death_signal, session, descriptors, signal_mask, exec };

struct ChildFailure {  // smaller than PIPE_BUF: written whole or not at all
  ChildStep step;
  std::int32_t code;
};

struct FdMove {
  int ours;
  int childs;  ///< Number in the child.
  int high;    ///< Where `ours` waits while the low numbers are filled; -1: to be closed.
};

struct ChildPlan {
  const char* path;
  char* const* argv;
  char* const* envp;
  FdMove* moves;
  std::size_t move_count;
  int first_high_fd;  ///< Above every number the child uses.
  int report;
  pid_t parent;
  bool new_session;
  bool die_with_parent;
};

[[noreturn]] void child_fail(int report, ChildStep step) noexcept {
  const ChildFailure failure{step, errno};
  [[maybe_unused]] const ssize_t ignored = ::write(report, &failure, sizeof failure);
  ::_exit(127);
}

/// First all to high numbers, so that no target overwrites a source that is still needed; then down to their places.
void place_descriptors(const ChildPlan& plan, int& report) noexcept {
  const int high_report = ::fcntl(report, F_DUPFD_CLOEXEC, plan.first_high_fd);
  if (high_report < 0) child_fail(report, ChildStep::descriptors);
  report = high_report;
  for (FdMove* move = plan.moves; move != plan.moves + plan.move_count; ++move) {
    move->high = move->ours < 0 ? -1 : ::fcntl(move->ours, F_DUPFD_CLOEXEC, plan.first_high_fd);
    if (move->ours >= 0 && move->high < 0) child_fail(report, ChildStep::descriptors);
  }
  // Whatever else is open, also what a library opened without O_CLOEXEC, ends at exec. Linux 5.11; before that our own
  // descriptors are close-on-exec anyway.
  if (::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0 && errno != ENOSYS && errno != EINVAL)
    child_fail(report, ChildStep::descriptors);
  for (const FdMove* move = plan.moves; move != plan.moves + plan.move_count; ++move) {
    if (move->high < 0) {
      ::fcntl(move->childs, F_SETFD, FD_CLOEXEC);
    } else if (::dup2(move->high, move->childs) < 0) {  // the copy is not close-on-exec
      child_fail(report, ChildStep::descriptors);
    }
  }
}

[[noreturn]] void run_child(const ChildPlan& plan) noexcept {
  int report = plan.report;
  if (plan.die_with_parent) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) child_fail(report, ChildStep::parent_death_signal);
    const pid_t parent = ::getppid();                        // 0: it is in an outer pid namespace
    if (parent != 0 && parent != plan.parent) ::_exit(127);  // it died before we asked
  }
  if (plan.new_session && ::setsid() < 0) child_fail(report, ChildStep::session);
  place_descriptors(plan, report);
  struct sigaction usual {};  // zero bytes are SIG_DFL and no flags
  ::sigaction(SIGPIPE, &usual, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  if (::sigprocmask(SIG_SETMASK, &none, nullptr) != 0) child_fail(report, ChildStep::signal_mask);
  ::execve(plan.path, plan.argv, plan.envp);
  child_fail(report, ChildStep::exec);
}

// ---- The parent half ---------------------------------------------------------------------------------------------

std::string_view name_of(ChildStep step) {
  switch (step) {
    case ChildStep::parent_death_signal:
      return "setting the parent death signal for";
    case ChildStep::session:
      return "making a session for";
    case ChildStep::descriptors:
      return "placing descriptors for";
    case ChildStep::signal_mask:
      return "setting the signal mask for";
    case ChildStep::exec:
      break;
  }
  return "executing";
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::optional<ChildFailure> read_failure(int report) {
  ChildFailure failure{};
  if (read_full(report, &failure, sizeof failure) != sizeof failure) return std::nullopt;
  return failure;
}

UniqueFd open_null() {
  UniqueFd fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  if (!fd) throw os_error("opening \"/dev/null\"");
  return fd;
}

ExitStatus status_of(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return {info.si_status, false};
  return {128 + info.si_status, true};
}

/// Whether `fd` became readable (or hung up) before the deadline.
bool wait_readable(int fd, steady_clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    pollfd entry{fd, POLLIN, 0};
    const int count = ::poll(&entry, 1, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1 << 30)));
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) throw os_error("waiting for a process");
    if (count == 0 && steady_clock::now() >= deadline) return false;
  }
}

}  // namespace

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  return *this;
}

Child::~Child() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);  // ours and not reaped yet, so the number cannot mean anybody else
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void Child::send_signal(int signal) const {
  if (!pidfd_) throw make_error(ErrorKind::internal, "sending a signal to a process that was waited for");
  if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0) != 0 && errno != ESRCH)
    throw os_error("sending signal ", signal, " to process ", pid_);
}

ExitStatus Child::wait() {
  if (pid_ <= 0) throw make_error(ErrorKind::internal, "waiting for a process that was waited for already");
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) != 0)
    if (errno != EINTR) throw os_error("waiting for process ", pid_);
  detach();
  return status_of(info);
}

std::optional<ExitStatus> Child::wait_for(milliseconds limit) {
  if (pid_ <= 0) throw make_error(ErrorKind::internal, "waiting for a process that was waited for already");
  if (!wait_readable(pidfd_.get(), steady_clock::now() + limit)) return std::nullopt;
  return wait();
}

pid_t Child::detach() noexcept {
  pidfd_.reset();
  return std::exchange(pid_, -1);
}

StartingChild begin_spawn(const Command& command) {
  if (command.path.empty() || command.path[0] != '/' || command.argv.empty())
    throw make_error(ErrorKind::internal, "executing ", quoted(command.path), ": not an absolute path, or no argv");
  Pipe report = make_pipe();  // close-on-exec: a successful exec closes it, and we read end of file
  const std::vector<char*> argv = pointers_to(command.argv);
  const std::vector<char*> own_env = command.env ? pointers_to(*command.env) : std::vector<char*>{};
  const UniqueFd null = command.null_stdin ? open_null() : UniqueFd{};
  std::vector<FdMove> moves;
  int first_high_fd = 3;
  if (null) moves.push_back({null.get(), STDIN_FILENO, -1});
  for (const auto& [ours, childs] : command.fds) {
    moves.push_back({ours, childs, -1});
    first_high_fd = std::max(first_high_fd, childs + 1);
  }
  const ChildPlan plan{.path = command.path.c_str(),
                       .argv = argv.data(),
                       .envp = command.env ? own_env.data() : ::environ,
                       .moves = moves.data(),
                       .move_count = moves.size(),
                       .first_high_fd = first_high_fd,
                       .report = report.write_end.get(),
                       .parent = ::getpid(),
                       .new_session = command.new_session,
                       .die_with_parent = command.die_with_parent};
  // fork(2) with a pidfd at once. The raw call runs none of the C library's handlers, and the child half needs none.
  int pidfd = -1;
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, nullptr, &pidfd, nullptr, nullptr));
  if (pid < 0) throw os_error("forking");
  if (pid == 0) run_child(plan);
  return {Child{pid, UniqueFd{pidfd}}, std::move(report.read_end), command.path};
}

Child StartingChild::confirm() && {
  if (const std::optional<ChildFailure> failure = read_failure(report_.get()))
    throw error_from_code(failure->code, concat(name_of(failure->step), " ", quoted(path_)));
  return std::move(child_);
}

Child spawn(const Command& command) {
  return begin_spawn(command).confirm();
}

void assert_single_threaded() {
  if (__libc_single_threaded) return;  // no thread was ever made: nothing needs to be looked up
  constexpr std::string_view key = "\nThreads:";
  const std::string status = read_file(AT_FDCWD, "/proc/self/status", 64 * 1024);
  const std::size_t start = status.find(key);
  if (start == std::string::npos) throw make_error(ErrorKind::internal, "\"/proc/self/status\" has no line Threads");
  const std::string_view rest = std::string_view{status}.substr(start + key.size());
  const std::string_view count = trim(rest.substr(0, rest.find('\n')));
  if (count != "1") throw make_error(ErrorKind::internal, "this process has ", count, " threads, not one");
}

}  // namespace base
