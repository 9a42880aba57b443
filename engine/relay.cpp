#include "engine/relay.hpp"

#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/signals.hpp"
#include "engine/attach.hpp"
#include "runtime/terminal.hpp"

namespace engine {

namespace {

constexpr std::size_t buffer_bytes = 64 * 1024;

class Copier {
 public:
  Copier(base::Child& process, Relay relay, base::SignalFd& signals)
      : process_(process), relay_(std::move(relay)), signals_(signals) {
    if (relay_.terminal >= 0) base::set_nonblocking(relay_.terminal, true);
    if (relay_.to_stdin) base::set_nonblocking(relay_.to_stdin.get(), true);
    reads_stdin_ = relay_.to_stdin || (relay_.terminal >= 0 && relay_.with_stdin);
    terminal_open_ = relay_.terminal >= 0;
  }

  base::ExitStatus run() {
    while (!ended_ || has_output()) step();
    return process_.wait();
  }

 private:
  bool has_output() const { return terminal_open_ || !relay_.outputs.empty(); }
  int input_target() const { return relay_.terminal >= 0 ? relay_.terminal : relay_.to_stdin.get(); }

  void step() {
    std::vector<pollfd> waiting{{signals_.fd(), POLLIN, 0}, {ended_ ? -1 : process_.pidfd(), POLLIN, 0}};
    waiting.push_back({reads_stdin_ && pending_.empty() ? STDIN_FILENO : -1, POLLIN, 0});
    waiting.push_back({pending_.empty() ? -1 : input_target(), POLLOUT, 0});
    waiting.push_back({terminal_open_ ? relay_.terminal : -1, POLLIN, 0});
    waiting.push_back({relay_.watched, POLLIN, 0});
    for (const auto& [from, to] : relay_.outputs) waiting.push_back({from.get(), POLLIN, 0});
    // After the end only what is there already counts: a grandchild may keep the pipe open for ever.
    const int ready = ::poll(waiting.data(), waiting.size(), ended_ ? 0 : -1);
    if (ready < 0 && errno != EINTR) throw base::os_error("waiting for the process");
    if (ended_ && ready == 0) {
      terminal_open_ = false;
      relay_.outputs.clear();
      return;
    }
    if (ready < 0) return;
    if (waiting[0].revents != 0) handle_signals();
    if (waiting[3].revents != 0) flush_pending();
    if (waiting[2].revents != 0) read_stdin();
    if (waiting[4].revents != 0) terminal_open_ = copy(relay_.terminal, STDOUT_FILENO) || !ended_;
    if (waiting[5].revents != 0 && !relay_.read_watched()) relay_.watched = -1;
    for (std::size_t i = relay_.outputs.size(); i-- > 0;)
      if (waiting[6 + i].revents != 0 && !copy(relay_.outputs[i].first.get(), relay_.outputs[i].second))
        relay_.outputs.erase(relay_.outputs.begin() + static_cast<std::ptrdiff_t>(i));
    if (waiting[1].revents != 0) ended_ = true;
  }

  void handle_signals() {
    while (const auto signal = signals_.next()) {
      if (*signal == SIGPIPE) continue;  // our own: the write says EPIPE
      if (*signal == SIGWINCH) {
        if (const auto size = runtime::window_size(STDIN_FILENO); size && relay_.terminal >= 0)
          runtime::set_window_size(relay_.terminal, *size);
      } else if (relay_.forward_signal) {
        relay_.forward_signal(*signal);
      }
    }
  }

  /// False at the end of the stream. A pty without an open slave answers EIO, which is its end only once the process
  /// is.
  bool copy(int from, int to) {
    char buffer[buffer_bytes];
    const ssize_t got = ::read(from, buffer, sizeof buffer);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (got <= 0) return false;
    base::with_context(
        [&] {
          base::write_all(to, {buffer, static_cast<std::size_t>(got)});
        },
        "passing the container's streams on");
    return true;
  }

  void read_stdin() {
    char buffer[buffer_bytes];
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got <= 0) {
      reads_stdin_ = false;
      relay_.to_stdin.reset();
      if (relay_.terminal < 0 || ::isatty(STDIN_FILENO) != 0) return;
      pending_ = terminal_end(is_in_line_);
    } else {
      pending_.assign(buffer, static_cast<std::size_t>(got));
      is_in_line_ = pending_.back() != '\n';
    }
    flush_pending();
  }

  void flush_pending() {
    const ssize_t sent = ::write(input_target(), pending_.data(), pending_.size());
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (sent < 0) {  // nobody reads any more
      pending_.clear();
      reads_stdin_ = false;
      relay_.to_stdin.reset();
      return;
    }
    pending_.erase(0, static_cast<std::size_t>(sent));
  }

  base::Child& process_;
  Relay relay_;
  base::SignalFd& signals_;
  std::string pending_;
  bool reads_stdin_ = false;
  bool is_in_line_ = false;  ///< What was read last did not end a line.
  bool terminal_open_ = false;
  bool ended_ = false;
};

base::UniqueFd open_null() {
  base::UniqueFd fd{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening /dev/null");
  return fd;
}

/// A directory of the host is nothing that a container may get hold of: from it, all others can be reached.
bool is_directory(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
}

int null_for(ChildStreams& streams) {
  streams.kept.push_back(open_null());
  return streams.kept.back().get();
}

int output_for(ChildStreams& streams, int ours) {
  if (is_directory(ours)) return null_for(streams);
  if (::isatty(ours) == 0) return ours;
  base::Pipe pipe = base::make_pipe();
  streams.relay.outputs.emplace_back(std::move(pipe.read_end), ours);
  streams.kept.push_back(std::move(pipe.write_end));
  return streams.kept.back().get();
}

}  // namespace

ChildStreams make_child_streams(bool interactive) {
  ChildStreams streams;
  if (!interactive || is_directory(STDIN_FILENO)) {
    streams.in = null_for(streams);
  } else if (::isatty(STDIN_FILENO) != 0) {
    base::Pipe pipe = base::make_pipe();
    streams.relay.to_stdin = std::move(pipe.write_end);
    streams.kept.push_back(std::move(pipe.read_end));
    streams.in = streams.kept.back().get();
  } else {
    streams.in = STDIN_FILENO;
  }
  streams.out = output_for(streams, STDOUT_FILENO);
  streams.err = output_for(streams, STDERR_FILENO);
  return streams;
}

base::ExitStatus relay(base::Child& process, Relay what, base::SignalFd& signals) {
  Copier copier{process, std::move(what), signals};
  try {
    return copier.run();
  } catch (const base::Error& error) {
    if (error.code() != EPIPE) throw;
    signals.discard_pending();
    throw base::Error{base::ErrorKind::interrupted, "nobody reads our output any more"}.with_code(EPIPE);
  }
}

}  // namespace engine
