#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/channel.hpp"
#include "base/error.hpp"
#include "base/fs.hpp"
#include "cmd/oci_create.hpp"

namespace cmd {
namespace {

constexpr timeval patience{.tv_sec = 5, .tv_usec = 0};

base::Channel connect_to(const std::string& socket_path, std::string_view what) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path)
    throw base::make_error(base::ErrorKind::invalid_argument, "the path ", base::quoted(socket_path),
                           " is too long for a socket");
  std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size() + 1);
  base::UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!socket) throw base::os_error("making a socket");
  // connect(2) waits while the listener's queue is full, and send(2) while its buffer is.
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw base::os_error("connecting to the ", what, ' ', base::quoted(socket_path));
  return base::Channel{std::move(socket)};
}

}  // namespace

void check_console(const OciWords& words, bool wants_socket) {
  if (wants_socket == words.has("console-socket")) return;
  throw base::make_error(base::ErrorKind::invalid_argument,
                         wants_socket ? "a terminal of a process that we do not wait for needs --console-socket"
                                      : "--console-socket needs a terminal and a process that we do not wait for");
}

void send_console(const std::string& socket_path, int terminal) {
  connect_to(socket_path, "console socket").send("/dev/ptmx", {terminal});
}

void send_pidfd(const std::string& socket_path, const base::UniqueFd& pidfd) {
  connect_to(socket_path, "receiver of the pidfd").send("pidfd", {pidfd.get()});
}

void write_pid_file(const std::string& path, pid_t pid) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const std::string name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  const base::UniqueFd directory = base::open_directory(AT_FDCWD, folder);
  base::write_file_atomically(directory.get(), name, base::concat(pid), base::Durability::volatile_, 0644);
}

}  // namespace cmd
