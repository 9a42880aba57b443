#include "engine/notify.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "rootless/host_facts.hpp"

namespace engine {

using base::concat;

namespace {

constexpr const char* folder_name = "notify";
constexpr const char* socket_name = "notify.sock";
constexpr const char* inside = "/run/notify";

constexpr timeval patience{.tv_sec = 5, .tv_usec = 0};

base::UniqueFd make_socket(int flags) {
  base::UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | flags, 0)};
  if (!socket) throw base::os_error("making a notify socket");
  return socket;
}

/// @return  The length of the address, which ends the name of an abstract socket. 0: too long.
socklen_t fill_address(sockaddr_un& address, const std::string& path) {
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return 0;
  path.copy(address.sun_path, path.size());
  const bool is_abstract = path.front() == '@';
  if (is_abstract) address.sun_path[0] = '\0';
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (is_abstract ? 0 : 1));
}

void send_with_descriptor(const sockaddr_un& to, socklen_t size, std::string_view text, int fd) {
  sockaddr_un address = to;
  iovec bytes{const_cast<char*>(text.data()), text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = size;
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  const base::UniqueFd socket = make_socket(0);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::sendmsg(socket.get(), &message, MSG_NOSIGNAL) < 0) throw base::os_error("waiting for the service manager");
}

/// A manager that cannot be reached is only a debug message. @return  Whether it was.
bool notify_service_manager(std::string_view state) noexcept {
  try {
    const std::string path = notify_socket();
    if (path.empty()) return false;
    sockaddr_un address{};
    const socklen_t size = fill_address(address, path);
    // A manager that starts many units at once has a full queue at times: what is lost there never comes again.
    const base::UniqueFd socket = make_socket(0);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (size == 0 || ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                              reinterpret_cast<const sockaddr*>(&address), size) < 0)
      throw base::os_error("telling the service manager at ", base::quoted(path));
    return true;
  } catch (const base::Error& error) {
    base::log(base::LogLevel::debug, error.message());
    return false;
  }
}

}  // namespace

std::string notify_socket() {
  return rootless::environment("NOTIFY_SOCKET").value_or("");
}

bool is_notifying(const Watch& watch) {
  return watch.sdnotify != "ignore" && !notify_socket().empty();
}

bool passes_notify_socket(const Watch& watch) {
  return (watch.sdnotify.empty() || watch.sdnotify == "container") && is_notifying(watch);
}

void notify_and_wait(std::string_view state) noexcept {
  if (!notify_service_manager(state)) return;
  try {
    const std::string path = notify_socket();
    sockaddr_un address{};
    const socklen_t size = fill_address(address, path);
    if (path.empty() || size == 0) return;
    base::Pipe pipe = base::make_pipe();
    send_with_descriptor(address, size, "BARRIER=1", pipe.write_end.get());
    pipe.write_end.reset();
    pollfd end{pipe.read_end.get(), 0, 0};  // hangs up once the manager has come to the message and closed its copy
    ::poll(&end, 1, static_cast<int>(patience.tv_sec * 1000));
  } catch (const base::Error& error) {
    base::log(base::LogLevel::debug, error.message());
  }
}

void notify_started(const Watch& watch, pid_t monitor) noexcept {
  if (!is_notifying(watch)) return;
  notify_and_wait(concat("MAINPID=", monitor, watch.sdnotify == "conmon" ? "\nREADY=1" : ""));
}

base::UniqueFd make_notify_socket(const Watch& watch, const storage::ContainerDir& container) {
  if (!passes_notify_socket(watch)) return {};
  const base::UniqueFd folder = base::make_directory(container.dir.get(), folder_name);
  if (::fchmod(folder.get(), 0755) != 0) throw base::os_error("setting the mode of the folder of the notify socket");
  base::unlink_file(folder.get(), socket_name);
  base::UniqueFd socket = make_socket(SOCK_NONBLOCK);
  sockaddr_un address{};
  const socklen_t size = fill_address(address, concat("/proc/self/fd/", folder.get(), '/', socket_name));
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0)
    throw base::os_error("making the container's notify socket");
  // Whoever the program is in there.
  if (::fchmodat(folder.get(), socket_name, 0777, 0) != 0) throw base::os_error("opening the notify socket to all");
  return socket;
}

void add_notify_socket(runtime::Spec& spec, const std::string& container_folder) {
  spec.mounts.push_back({.destination = inside,
                         .type = "bind",
                         .source = concat(container_folder, '/', folder_name),
                         .options = {"bind", "nosuid", "noexec", "nodev"},
                         .uid_mappings = {},
                         .gid_mappings = {}});
  std::erase_if(spec.process.env, [](const std::string& entry) { return entry.starts_with("NOTIFY_SOCKET="); });
  spec.process.env.push_back(concat("NOTIFY_SOCKET=", inside, '/', socket_name));
}

}  // namespace engine
