#include "runtime/seccomp_agent.hpp"

#include <array>
#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/json_writer.hpp"

namespace runtime {
namespace {

/// Version of the runtime-spec that the message is written by.
constexpr std::string_view spec_version = "1.2.1";

}  // namespace

base::UniqueFd connect_seccomp_agent(const SeccompFilter& filter) {
  if ((filter.flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) == 0) return {};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (filter.listener_path.size() >= sizeof address.sun_path)
    throw base::make_error(base::ErrorKind::invalid_argument,
                           "the path of the seccomp agent's socket is too long: ", base::quoted(filter.listener_path));
  filter.listener_path.copy(address.sun_path, sizeof address.sun_path - 1);
  base::UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!socket) throw base::os_error("making a socket");
  // connect(2) waits while the queue of an agent that does not accept is full, and send(2) while its buffer is.
  constexpr timeval patience{.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw base::os_error("connecting to the seccomp agent at ", base::quoted(filter.listener_path))
        .with_hint("linux.seccomp.listenerPath of config.json names it");
  return socket;
}

std::string seccomp_process_state(const SeccompFilter& filter, std::string_view state) {
  base::JsonWriter json;
  json.begin_object()
      .member("ociVersion", spec_version)
      .member("fds", std::vector<std::string>{"seccompFd"})
      .member("metadata", filter.listener_metadata);
  json.key("state").raw(state);
  json.end_object();
  std::string text = json.take();
  text.pop_back();
  return text + ",\"pid\":";
}

pid_t own_pid_outside() {
  std::array<char, 32> text{};
  const ssize_t size = ::readlink("/proc/self", text.data(), text.size());
  const auto pid = base::parse_unsigned({text.data(), size > 0 ? static_cast<std::size_t>(size) : 0});
  if (!pid) throw base::os_error("reading \"/proc/self\"");
  return static_cast<pid_t>(*pid);
}

}  // namespace runtime
