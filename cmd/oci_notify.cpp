#include "cmd/oci_notify.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "engine/oci_id_maps.hpp"

namespace cmd {
namespace {

constexpr const char* folder_name = "notify";
constexpr const char* socket_name = "notify.sock";
constexpr const char* inside = "/run/notify";
constexpr std::string_view ready = "READY=1";
constexpr std::size_t max_message_bytes = 4096;
constexpr timeval host_patience{.tv_sec = 5, .tv_usec = 0};

std::string path_of(int dir) {
  std::array<char, PATH_MAX> path{};
  const ssize_t size = ::readlink(base::concat("/proc/self/fd/", dir).c_str(), path.data(), path.size() - 1);
  if (size < 0) throw base::os_error("finding the path of the state folder");
  return {path.data(), static_cast<std::size_t>(size)};
}

/// @return  The length of the address, which ends the name of an abstract socket. 0: too long.
socklen_t fill_address(sockaddr_un& address, const std::string& path) {
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return 0;
  path.copy(address.sun_path, path.size());
  const bool is_abstract = path.front() == '@';
  if (is_abstract) address.sun_path[0] = '\0';
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (is_abstract ? 0 : 1));
}

base::UniqueFd make_socket() {
  base::UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!socket) throw base::os_error("making a socket");
  return socket;
}

}  // namespace

void add_notify_socket(runtime::Spec& spec, int dir) {
  if (engine::oci_notify_socket().empty()) return;
  const base::UniqueFd folder = base::make_directory(dir, folder_name);
  if (::fchmod(folder.get(), 0755) != 0) throw base::os_error("setting the mode of the folder of the notify socket");
  spec.mounts.push_back({.destination = inside,
                         .type = "bind",
                         .source = path_of(folder.get()),
                         .options = {"bind", "nosuid", "noexec", "nodev"},
                         .uid_mappings = {},
                         .gid_mappings = {}});
  std::erase_if(spec.process.env, [](const std::string& entry) { return entry.starts_with("NOTIFY_SOCKET="); });
  spec.process.env.push_back(base::concat("NOTIFY_SOCKET=", inside, '/', socket_name));
}

std::optional<ReadyForwarder> ReadyForwarder::listen(int dir) {
  std::string host = engine::oci_notify_socket();
  const auto folder = host.empty() ? std::nullopt : base::try_open_directory(dir, folder_name);
  if (!folder) return std::nullopt;
  base::unlink_file(folder->get(), socket_name);  // of a `start` that failed
  base::UniqueFd socket = make_socket();
  sockaddr_un address{};
  const socklen_t size = fill_address(address, base::concat("/proc/self/fd/", folder->get(), '/', socket_name));
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0)
    throw base::os_error("making the container's notify socket");
  // Whoever the program is in there.
  if (::fchmodat(folder->get(), socket_name, 0777, 0) != 0) throw base::os_error("opening the notify socket to all");
  return ReadyForwarder{std::move(socket), std::move(host)};
}

bool ReadyForwarder::is_ready_said() const {
  std::array<char, max_message_bytes> message{};
  const ssize_t size = ::recv(socket_.get(), message.data(), message.size(), MSG_DONTWAIT);
  if (size < 0 && errno != EAGAIN && errno != EINTR) throw base::os_error("reading the container's notify socket");
  const auto lines = base::split({message.data(), size > 0 ? static_cast<std::size_t>(size) : 0}, '\n');
  return std::find(lines.begin(), lines.end(), ready) != lines.end();
}

/// @param passed  A descriptor to go with it; -1: none. @return  False with errno.
bool ReadyForwarder::send(const std::string& text, int passed) const {
  const base::UniqueFd socket = make_socket();
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &host_patience, sizeof host_patience);
  sockaddr_un address{};
  const socklen_t size = fill_address(address, host_);
  if (size == 0) {
    errno = ENAMETOOLONG;
    return false;
  }
  iovec bytes{const_cast<char*>(text.data()), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = size;
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  if (passed >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof passed);
    std::memcpy(CMSG_DATA(header), &passed, sizeof passed);
  }
  return ::sendmsg(socket.get(), &message, MSG_NOSIGNAL) >= 0;
}

void ReadyForwarder::tell_host(pid_t main_pid) const {
  if (send(base::concat(ready, "\nMAINPID=", main_pid), -1)) return;
  base::log(base::LogLevel::warn, "the container is ready, but nobody could be told: ",
            base::error_from_code(errno, base::concat("writing to $NOTIFY_SOCKET, ", base::quoted(host_))).message());
}

/// systemd looks up who sent a message when it reads that, and believes nobody who has ended meanwhile. Source:
/// sd_notify_barrier(3).
void ReadyForwarder::wait_for_host() const {
  base::Pipe barrier = base::make_pipe();
  if (!send("BARRIER=1", barrier.write_end.get())) return;
  barrier.write_end.reset();
  pollfd waiting{barrier.read_end.get(), 0, 0};
  ::poll(&waiting, 1, static_cast<int>(host_patience.tv_sec) * 1000);
}

bool ReadyForwarder::pass_on(pid_t main_pid) const {
  if (!is_ready_said()) return false;
  tell_host(main_pid);
  return true;
}

void ReadyForwarder::forward(const base::UniqueFd& process, pid_t main_pid) const {
  while (process) {
    std::array<pollfd, 2> waiting{{{socket_.get(), POLLIN, 0}, {process.get(), POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0) {
      if (errno == EINTR) continue;
      throw base::os_error("waiting for the container to be ready");
    }
    if ((waiting[0].revents & POLLIN) != 0 && pass_on(main_pid)) return wait_for_host();
    if (waiting[0].revents == 0 && waiting[1].revents != 0) return;  // all that it had to say was read
  }
}

}  // namespace cmd
