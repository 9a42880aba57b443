#include "rootless/datagram_relay.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <sys/epoll.h>

#include "base/error.hpp"

namespace rootless {
namespace {

constexpr std::size_t max_datagram_bytes = 65'536;
constexpr int max_burst = 32;  // of one socket, before others have their turn
constexpr std::uint64_t end_id = std::numeric_limits<std::uint64_t>::max();

base::UniqueFd connect_to(const SocketAddress& target) {
  base::UniqueFd fd{::socket(target.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (fd && ::connect(fd.get(), target.get(), target.size) != 0) fd.reset();
  return fd;
}

/// A refusal that is reported here is of an earlier datagram; this one was not sent.
void send_datagram(int fd, const char* bytes, std::size_t size, const SocketAddress* to) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    const sockaddr* address = to == nullptr ? nullptr : to->get();
    const socklen_t address_size = to == nullptr ? 0 : to->size;
    if (::sendto(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL, address, address_size) >= 0) return;
    if (errno == EAGAIN) return;
  }
}

}  // namespace

DatagramRelay::DatagramRelay(std::vector<RelayedPort> ports, RelayLimits limits)
    : ports_{std::move(ports)},
      limits_{limits},
      events_{::epoll_create1(EPOLL_CLOEXEC)},
      next_id_{ports_.size()},
      buffer_(max_datagram_bytes) {
  if (!events_) throw base::os_error("making an epoll descriptor");
  for (std::size_t i = 0; i < ports_.size(); ++i)
    if (!watch(ports_[i].socket.get(), i)) throw base::os_error("watching a socket");
}

bool DatagramRelay::watch(int fd, std::uint64_t id) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = id;
  return ::epoll_ctl(events_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void DatagramRelay::run_until(int end) {
  if (!watch(end, end_id)) throw base::os_error("watching for the end");
  while (!has_ended_) pass_on(-1);
}

bool DatagramRelay::pass_on(int limit_milliseconds) {
  forget_quiet();
  const int left = milliseconds_left();
  const bool is_limit_first = left < 0 || (limit_milliseconds >= 0 && limit_milliseconds < left);
  // One event at a time: no later one can be of a client that the first one made us forget.
  epoll_event event{};
  const int count = ::epoll_wait(events_.get(), &event, 1, is_limit_first ? limit_milliseconds : left);
  if (count < 0 && errno != EINTR) throw base::os_error("waiting for datagrams");
  has_ended_ = count > 0 && event.data.u64 == end_id;
  if (count <= 0 || has_ended_) return false;
  if (event.data.u64 < ports_.size())
    pass_in(ports_[event.data.u64]);
  else
    pass_out(event.data.u64);
  return true;
}

void DatagramRelay::forget_quiet() {
  const Clock::time_point now = Clock::now();
  while (!clients_.empty() && now - clients_.back().last_heard >= limits_.idle) clients_.pop_back();
}

int DatagramRelay::milliseconds_left() const {
  if (clients_.empty()) return -1;
  const auto left = clients_.back().last_heard + limits_.idle - Clock::now();
  return static_cast<int>(std::max<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count(), 0));
}

void DatagramRelay::pass_in(const RelayedPort& port) {
  for (int i = 0; i < max_burst; ++i) {
    SocketAddress from = empty_socket_address();
    const ssize_t size =
        ::recvfrom(port.socket.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT, from.get(), &from.size);
    if (size < 0 && errno == EAGAIN) return;
    if (size < 0) continue;  // a client was not there for its answer: the kernel tells it once
    if (const Client* client = client_of(port, from))
      send_datagram(client->socket.get(), buffer_.data(), static_cast<std::size_t>(size), nullptr);
  }
}

void DatagramRelay::pass_out(std::uint64_t id) {
  const auto client = std::find_if(clients_.begin(), clients_.end(), [id](const Client& one) { return one.id == id; });
  if (client == clients_.end()) return;
  for (int i = 0; i < max_burst; ++i) {
    const ssize_t size = ::recv(client->socket.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return;
    if (size < 0) continue;  // nobody listens, or not yet
    note_life(client);
    send_datagram(client->port->socket.get(), buffer_.data(), static_cast<std::size_t>(size), &client->address);
  }
}

DatagramRelay::Client* DatagramRelay::client_of(const RelayedPort& port, const SocketAddress& address) {
  const auto found = std::find_if(clients_.begin(), clients_.end(),
                                  [&](const Client& one) { return one.port == &port && one.address == address; });
  if (found == clients_.end()) return add_client(port, address);
  note_life(found);
  return &*found;
}

DatagramRelay::Client* DatagramRelay::add_client(const RelayedPort& port, const SocketAddress& address) {
  if (clients_.size() >= limits_.clients) clients_.pop_back();
  base::UniqueFd socket = connect_to(port.target);
  if (!socket && errno == EMFILE && !clients_.empty()) {
    clients_.pop_back();
    socket = connect_to(port.target);
  }
  if (!socket || !watch(socket.get(), next_id_)) return nullptr;
  clients_.push_front({next_id_++, &port, address, std::move(socket), Clock::now()});
  return &clients_.front();
}

void DatagramRelay::note_life(Clients::iterator client) {
  client->last_heard = Clock::now();
  clients_.splice(clients_.begin(), clients_, client);
}

}  // namespace rootless
