#include "engine/attach.hpp"

#include <array>
#include <csignal>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/signals.hpp"
#include "engine/detach_keys.hpp"
#include "runtime/stub/monitor_plan.h"

namespace engine {

namespace {

/// One command attached to one monitor. Never blocks on the socket while the container may be waiting for us to read.
class AttachedClient {
 public:
  AttachedClient(base::Channel monitor, const AttachOptions& options, base::SignalFd& signals)
      : monitor_(std::move(monitor)),
        options_(options),
        signals_(signals),
        scanner_(options.tty ? parse_detach_keys(options.detach_keys) : ""),
        wants_stdin_(options.with_stdin) {
    base::set_nonblocking(monitor_.fd(), true);
  }

  std::optional<int> run() {
    while (!finished_ && !detached_ && ended_by_ == 0) step();
    if (detached_ || ended_by_ != 0) return std::nullopt;
    if (!exit_code_)
      throw base::make_error(base::ErrorKind::internal,
                             "the container's monitor died; the container may still be running")
          .with_hint("engine ps shows it; engine logs has its output so far");
    return exit_code_;
  }

  /// The signal that is for us and not for the container, or 0.
  int ended_by() const { return ended_by_; }

 private:
  void step() {
    const bool can_read_stdin = wants_stdin_ && pending_.empty();
    std::array<pollfd, 3> waiting{
        pollfd{monitor_.fd(), static_cast<short>(POLLIN | (pending_.empty() ? 0 : POLLOUT)), 0},
        pollfd{signals_.fd(), POLLIN, 0}, pollfd{can_read_stdin ? STDIN_FILENO : -1, POLLIN, 0}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0) {
      if (errno == EINTR) return;
      throw base::os_error("waiting for the container");
    }
    if (waiting[1].revents != 0) handle_signals();
    if ((waiting[0].revents & POLLOUT) != 0) flush_pending();
    if ((waiting[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) receive();
    if (waiting[2].revents != 0) read_stdin();
  }

  void handle_signals() {
    while (const auto signal = signals_.next()) {
      if (*signal == SIGPIPE) continue;  // our own: the write says EPIPE
      if (*signal == SIGWINCH)
        send_size();
      else if (*signal == SIGHUP && options_.tty)
        detached_ = true;  // our window was closed, which is no reason for the container to end
      else if (options_.sig_proxy && options_.forward_signal)
        options_.forward_signal(*signal);
      else
        ended_by_ = *signal;
    }
  }

  void send_size() {
    if (!options_.tty) return;
    const auto size = runtime::window_size(STDIN_FILENO);
    if (!size) return;
    const std::uint16_t cells[2] = {static_cast<std::uint16_t>(size->rows), static_cast<std::uint16_t>(size->columns)};
    std::string message(1 + sizeof cells, static_cast<char>(ATTACH_RESIZE));
    std::memcpy(message.data() + 1, cells, sizeof cells);
    // A lost resize is mended by the next one; it must not overtake or block what was typed.
    (void)::send(monitor_.fd(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  void read_stdin() {
    char buffer[ATTACH_MAX_PAYLOAD];
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got <= 0) {
      wants_stdin_ = false;
      detached_ = options_.tty && stdin_is_terminal_;  // it was hung up: raw, it has no other end
      end_stdin();
    } else {
      is_in_line_ = buffer[got - 1] != '\n';
      std::string pass;
      detached_ = scanner_.scan({buffer, static_cast<std::size_t>(got)}, pass);
      if (pass.empty()) return;
      pending_.assign(1, static_cast<char>(ATTACH_STDIN));
      pending_ += pass;
    }
    flush_pending();
  }

  void end_stdin() {
    if (options_.tty && options_.ends_terminal && !stdin_is_terminal_) {
      pending_.assign(1, static_cast<char>(ATTACH_STDIN));
      pending_ += terminal_end(is_in_line_);
    } else {
      pending_.assign(1, static_cast<char>(ATTACH_STDIN_END));
    }
  }

  void flush_pending() {
    if (pending_.empty()) return;
    const ssize_t sent = ::send(monitor_.fd(), pending_.data(), pending_.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
    pending_.clear();  // whole messages only; after EPIPE the end of file below is what counts
  }

  void receive() {
    char buffer[1 + ATTACH_MAX_PAYLOAD];
    const ssize_t got = ::recv(monitor_.fd(), buffer, sizeof buffer, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
      finished_ = true;
      return;
    }
    const std::string_view payload{buffer + 1, static_cast<std::size_t>(got) - 1};
    switch (buffer[0]) {
      case ATTACH_STDOUT:
        if (!options_.shows_output) break;
        base::with_context([&] { base::write_all(STDOUT_FILENO, payload); }, "passing the container's output on");
        break;
      case ATTACH_STDERR:
        if (!options_.shows_errors) break;
        base::with_context([&] { base::write_all(STDERR_FILENO, payload); }, "passing the container's errors on");
        break;
      case ATTACH_EXIT:
        take_exit(payload);
        break;
      default:
        break;
    }
  }

  /// The socket stays open until the monitor has cleaned up (--rm), so that the next command does not see the
  /// container.
  void take_exit(std::string_view payload) {
    std::int32_t code = 0;
    if (payload.size() == sizeof code) std::memcpy(&code, payload.data(), sizeof code);
    exit_code_ = code;
    wants_stdin_ = false;
  }

  base::Channel monitor_;
  const AttachOptions& options_;
  base::SignalFd& signals_;
  DetachScanner scanner_;
  bool wants_stdin_;
  bool stdin_is_terminal_ = ::isatty(STDIN_FILENO) != 0;
  bool is_in_line_ = false;  ///< What was read last did not end a line.
  bool finished_ = false;
  bool detached_ = false;
  int ended_by_ = 0;
  std::string pending_;
  std::optional<int> exit_code_;
};

}  // namespace

std::string_view terminal_end(bool is_in_line) {
  return is_in_line ? "\x04\x04" : "\x04";
}

sigset_t forwarded_signals() {
  sigset_t set;
  ::sigfillset(&set);
  for (const int signal : {SIGCHLD, SIGURG, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGSTOP, SIGKILL, SIGSEGV, SIGBUS,
                           SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS, SIGPROF})
    ::sigdelset(&set, signal);
  return set;
}

std::optional<int> exit_code_of(std::string_view message) {
  std::int32_t code = 0;
  if (message.size() != 1 + sizeof code || message.front() != ATTACH_EXIT) return std::nullopt;
  std::memcpy(&code, message.data() + 1, sizeof code);
  return code;
}

std::optional<int> attach(base::Channel monitor, const AttachOptions& options, base::SignalFd& signals) {
  AttachedClient client{std::move(monitor), options, signals};
  try {
    const auto code = [&] {
      const runtime::RawTerminal raw{options.tty && options.with_stdin ? STDIN_FILENO : -1};
      return client.run();
    }();
    if (client.ended_by() != 0) signals.end_process(client.ended_by());
    return code;
  } catch (const base::Error& error) {
    if (error.code() != EPIPE) throw;
    signals.discard_pending();
    throw base::Error{base::ErrorKind::interrupted, "nobody reads our output any more"}.with_code(EPIPE);
  }
}

}  // namespace engine
