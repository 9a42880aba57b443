#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <vector>

#include "base/fd.hpp"
#include "rootless/socket_address.hpp"

namespace rootless {

/// A socket that datagrams arrive at, and where they go, in the network namespace of the relay.
struct RelayedPort {
  base::UniqueFd socket;
  SocketAddress target;
};

struct RelayLimits {
  std::size_t clients = 256;  ///< Whoever was quiet for longest goes first.
  std::chrono::milliseconds idle{180'000};
};

/// Passes datagrams on to their target, and the answers back to who asked: each client has a socket of its own,
/// connected to the target. Nothing is kept: what cannot be sent at once is lost, as datagrams may be.
class DatagramRelay {
 public:
  using Clock = std::chrono::steady_clock;
  explicit DatagramRelay(std::vector<RelayedPort> ports, RelayLimits limits = {});
  /// Until descriptor `end` is readable.
  void run_until(int end);
  /// Forgets who was quiet for too long, and passes on what comes first. False: nothing came before the limit, or
  /// before the next client is to be forgotten, or `end` is readable.
  bool pass_on(int limit_milliseconds);
  std::size_t clients() const noexcept { return clients_.size(); }

 private:
  struct Client {
    std::uint64_t id;  // never used again, so that no event can be of another
    const RelayedPort* port;
    SocketAddress address;
    base::UniqueFd socket;
    Clock::time_point last_heard;
  };
  using Clients = std::list<Client>;  // the last one was quiet for longest

  bool watch(int fd, std::uint64_t id);
  void forget_quiet();
  int milliseconds_left() const;
  void pass_in(const RelayedPort& port);
  void pass_out(std::uint64_t id);
  Client* client_of(const RelayedPort& port, const SocketAddress& address);
  Client* add_client(const RelayedPort& port, const SocketAddress& address);
  void note_life(Clients::iterator client);

  std::vector<RelayedPort> ports_;
  RelayLimits limits_;
  base::UniqueFd events_;
  Clients clients_;
  std::uint64_t next_id_;
  std::vector<char> buffer_;
  bool has_ended_ = false;
};

}  // namespace rootless
