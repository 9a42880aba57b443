// run_and_capture and find_program of base/process.hpp: what is built on spawn.
#include <algorithm>
#include <array>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/process.hpp"

namespace base {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Stream {
  UniqueFd fd;
  std::string text;
};

/// Takes what is there now; what is past the limit is read and forgotten, so that the writer does not block.
void drain(Stream& stream, std::size_t limit_bytes) {
  std::array<char, 16 * 1024> buffer;
  while (stream.fd) {
    const ssize_t got = ::read(stream.fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0) throw os_error("reading the output of a program");
    if (got == 0) return stream.fd.reset();
    const std::size_t room = limit_bytes - stream.text.size();
    stream.text.append(buffer.data(), std::min(static_cast<std::size_t>(got), room));
  }
}

/// Until the child ended or the deadline passed. A grandchild that keeps the pipes open is not waited for.
bool collect_until(const Child& child, Stream& out, Stream& err, std::size_t limit_bytes,
                   steady_clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) return false;
    std::array entries = {pollfd{child.pidfd(), POLLIN, 0}, pollfd{out.fd.get(), POLLIN, 0},
                          pollfd{err.fd.get(), POLLIN, 0}};
    const int timeout = static_cast<int>(std::min<std::int64_t>(left.count(), 1 << 30));
    if (::poll(entries.data(), entries.size(), timeout) < 0 && errno != EINTR) throw os_error("waiting for a program");
    drain(out, limit_bytes);
    drain(err, limit_bytes);
    if (entries[0].revents != 0) return true;
  }
}

bool is_program(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

Output run_and_capture(const Command& command, milliseconds limit, std::size_t limit_bytes) {
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  set_nonblocking(out.read_end.get(), true);
  set_nonblocking(err.read_end.get(), true);
  Command redirected = command;
  redirected.fds.emplace_back(out.write_end.get(), STDOUT_FILENO);
  redirected.fds.emplace_back(err.write_end.get(), STDERR_FILENO);
  Child child = spawn(redirected);
  out.write_end.reset();
  err.write_end.reset();
  Stream out_stream{std::move(out.read_end), {}};
  Stream err_stream{std::move(err.read_end), {}};
  if (!collect_until(child, out_stream, err_stream, limit_bytes, steady_clock::now() + limit))
    child.send_signal(SIGKILL);
  const ExitStatus status = child.wait();
  drain(out_stream, limit_bytes);
  drain(err_stream, limit_bytes);
  return {status, std::move(out_stream.text), std::move(err_stream.text)};
}

std::optional<std::string> find_program(const std::string& name) {
  constexpr std::array directories = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"};
  if (name.empty() || name.find('/') != std::string::npos) return std::nullopt;
  for (const char* directory : directories) {
    std::string path = concat(directory, "/", name);
    if (is_program(path)) return path;
  }
  return std::nullopt;
}

}  // namespace base
