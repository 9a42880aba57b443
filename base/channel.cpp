#include "base/channel.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <sys/socket.h>

#include "base/error.hpp"

namespace base {
namespace {

constexpr std::size_t control_bytes = CMSG_SPACE(sizeof(int) * Channel::max_fds);

/// Bytes of the message that is to be received next, 0 at the end: most have a few, and room for the largest costs more
/// than asking.
std::size_t size_of_next(int fd) {
  ssize_t size = -1;
  while ((size = ::recv(fd, nullptr, 0, MSG_PEEK | MSG_TRUNC)) < 0) {
    // ECONNRESET: the peer closed with our messages unread. That is said once; its own last words are still to be read.
    if (errno == EINTR || errno == ECONNRESET) continue;
    throw os_error("receiving a message");
  }
  return static_cast<std::size_t>(size);
}

/// Takes ownership of every descriptor in a received message.
std::vector<UniqueFd> take_fds(msghdr& header) {
  std::vector<UniqueFd> fds;
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t index = 0; index < count; ++index) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(control) + index * sizeof fd, sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds;
}

}  // namespace

std::pair<Channel, Channel> Channel::make_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw os_error("making a channel");
  return {Channel{UniqueFd{ends[0]}}, Channel{UniqueFd{ends[1]}}};
}

void Channel::send(std::string_view bytes, const std::vector<int>& fds) const {
  if (bytes.empty() || bytes.size() > max_message_bytes || fds.size() > max_fds)
    throw make_error(ErrorKind::internal, "sending a message of ", bytes.size(), " bytes and ", fds.size(),
                     " descriptors: outside the limits");
  iovec text{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) std::array<char, control_bytes> control{};
  msghdr header{};
  header.msg_iov = &text;
  header.msg_iovlen = 1;
  if (!fds.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(rights), fds.data(), sizeof(int) * fds.size());
  }
  while (::sendmsg(fd_.get(), &header, MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    if (errno == ECONNRESET) errno = EPIPE;  // the peer closed with messages unread: gone all the same
    throw os_error("sending a message");
  }
}

std::optional<Channel::Message> Channel::receive() const {
  std::string bytes(std::clamp<std::size_t>(size_of_next(fd_.get()), 1, max_message_bytes), '\0');
  iovec text{bytes.data(), bytes.size()};
  alignas(cmsghdr) std::array<char, control_bytes> control{};
  msghdr header{};
  header.msg_iov = &text;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t size = -1;
  while ((size = ::recvmsg(fd_.get(), &header, MSG_CMSG_CLOEXEC)) < 0) {
    // ECONNRESET: the peer closed with our messages unread. That is said once; its own last words are still to be read.
    if (errno == EINTR || errno == ECONNRESET) continue;
    throw os_error("receiving a message");
  }
  std::vector<UniqueFd> fds = take_fds(header);
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    throw make_error(ErrorKind::corrupt, "receiving a message: it is larger than the limit");
  if (size == 0) return std::nullopt;
  bytes.resize(static_cast<std::size_t>(size));
  return Message{std::move(bytes), std::move(fds)};
}

}  // namespace base
