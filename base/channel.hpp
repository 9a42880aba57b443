#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.hpp"

namespace base {

/// One end of a socketpair(AF_UNIX, SOCK_SEQPACKET): whole messages, each with up to max_fds descriptors (SCM_RIGHTS).
/// A message is never empty: an empty one could not be told from end of file.
class Channel {
 public:
  static constexpr std::size_t max_message_bytes = 64 * 1024;
  static constexpr std::size_t max_fds = 250;

  struct Message {
    std::string bytes;
    std::vector<UniqueFd> fds;
  };

  Channel() = default;
  explicit Channel(UniqueFd fd) : fd_(std::move(fd)) {}
  static std::pair<Channel, Channel> make_pair();

  explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
  int fd() const noexcept { return fd_.get(); }
  void close() noexcept { fd_.reset(); }
  UniqueFd release() noexcept { return std::move(fd_); }

  /// @throws Error with code EPIPE when the peer is gone (SIGPIPE is never raised).
  void send(std::string_view bytes, const std::vector<int>& fds = {}) const;
  /// Nothing at end of file. Received descriptors are close-on-exec.
  std::optional<Message> receive() const;

 private:
  UniqueFd fd_;
};

}  // namespace base
