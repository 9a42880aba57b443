#include "engine/external_runtime_console.hpp"

#include <array>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"

namespace engine {
namespace {

/// The descriptor that comes with the first message. @throws Error.
base::UniqueFd receive_descriptor(int connection) {
  std::array<char, 4096> bytes{};
  iovec text{bytes.data(), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &text;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(connection, &message, MSG_CMSG_CLOEXEC) < 0) throw base::os_error("receiving the terminal");
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int)))
    throw base::make_error(base::ErrorKind::internal, "the OCI runtime sent no terminal");
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return base::UniqueFd{fd};
}

}  // namespace

ConsoleSocket::ConsoleSocket(int folder, const std::string& name)
    : folder_(base::open_directory(folder, ".")), name_(name) {
  base::unlink_file(folder, name);
  listener_ = base::UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!listener_) throw base::os_error("making a console socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = base::concat("/proc/self/fd/", folder, "/", name);
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), 1) != 0)
    throw base::os_error("listening on a console socket");
}

ConsoleSocket::~ConsoleSocket() {
  ::unlinkat(folder_.get(), name_.c_str(), 0);
}

base::UniqueFd ConsoleSocket::receive() const {
  const base::UniqueFd connection{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  if (!connection) throw base::make_error(base::ErrorKind::internal, "the OCI runtime sent no terminal");
  return receive_descriptor(connection.get());
}

}  // namespace engine
