#include "runtime/conversation.hpp"

#include <fcntl.h>
#include <poll.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "runtime/sync.hpp"

namespace runtime {
namespace {

class Conversation {
 public:
  Conversation(base::Child child, const base::Channel& channel, const ParentServices& services)
      : channel_(channel), services_(services) {
    init_.process = std::move(child);
  }

  CreatedInit run() {
    while (true) {
      SyncMessage message = receive_sync(channel_);
      if (message.type == Sync::created) {
        if (!message.fds.empty()) init_.terminal = std::move(message.fds.front());
        return std::move(init_);
      }
      try {
        answer(message);
      } catch (const base::Error&) {
        throw_inits_own_error();
        throw;
      }
    }
  }

 private:
  // What we do for init fails when init has died meanwhile; then its own last words are the reason.
  void throw_inits_own_error() {
    pollfd waiting{channel_.fd(), POLLIN, 0};
    while (::poll(&waiting, 1, 0) == 1 && (waiting.revents & POLLIN) != 0)
      if (const auto message = channel_.receive(); !message)
        return;
      else if (!message->bytes.empty() && message->bytes.front() == static_cast<char>(Sync::failed))
        throw decode_error(std::string_view{message->bytes}.substr(1));
  }

  void answer(SyncMessage& message) {
    switch (message.type) {
      case Sync::successor:
        return adopt(message);
      case Sync::map_ids_please:
        map_ids();
        return send_sync(channel_, Sync::ids_mapped);
      case Sync::cgroup_please:
        base::with_context([&] { services_.enter_cgroup(init_.process.pid()); },
                           "moving the container's first process to its cgroup");
        return send_sync(channel_, Sync::cgroup_entered);
      case Sync::built:
        services_.run_hooks(init_.process.pid());
        return send_sync(channel_, Sync::hooks_ran);
      case Sync::network_exists:
        services_.set_up_network(init_.process.pid());
        return send_sync(channel_, Sync::network_up);
      case Sync::serve_fuse:
        serve_fuse(message);
        return send_sync(channel_, Sync::fuse_served);
      default:
        throw base::make_error(base::ErrorKind::internal, "init sent a message that only its parent sends");
    }
  }

  void adopt(SyncMessage& message) {
    const auto pid = base::parse_unsigned(message.payload);
    if (!pid || message.fds.size() != 1)
      throw base::make_error(base::ErrorKind::internal, "init's successor is not described");
    base::Child first = std::exchange(init_.process, {static_cast<pid_t>(*pid), std::move(message.fds.front())});
    first.wait();
    send_sync(channel_, Sync::successor_known, base::concat(init_.process.pid()));
  }

  void map_ids() {
    // Our own child, not reaped yet, so the number is still its.
    const std::string path = base::concat("/proc/", init_.process.pid());
    const base::UniqueFd process{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!process) throw base::os_error("opening ", base::quoted(path));
    services_.write_id_maps(init_.process.pid(), process.get());
    init_.user_namespace = base::UniqueFd{::openat(process.get(), "ns/user", O_RDONLY | O_CLOEXEC)};
    if (!init_.user_namespace) throw base::os_error("opening the container's user namespace");
  }

  void serve_fuse(const SyncMessage& message) {
    if (message.fds.size() != 1 || !services_.serve_fuse)
      throw base::make_error(base::ErrorKind::internal, "nobody serves the fuse file system");
    services_.serve_fuse(message.fds.front().get(), init_.process.pid());
  }

  CreatedInit init_;
  const base::Channel& channel_;
  const ParentServices& services_;
};

}  // namespace

CreatedInit converse(base::Child child, const base::Channel& channel, const ParentServices& services) {
  return Conversation{std::move(child), channel, services}.run();
}

}  // namespace runtime
