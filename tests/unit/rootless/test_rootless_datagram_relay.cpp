#include <doctest/doctest.h>
#include <optional>
#include <string>

#include "rootless/datagram_relay.hpp"

using rootless::DatagramRelay;
using rootless::SocketAddress;

namespace {

constexpr int patience_milliseconds = 10'000;

base::UniqueFd bound_socket(const SocketAddress& address = rootless::socket_address("127.0.0.1", 0)) {
  base::UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  REQUIRE(::bind(fd.get(), address.get(), address.size) == 0);
  const timeval patience{10, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

SocketAddress address_of(const base::UniqueFd& socket) {
  SocketAddress address = rootless::empty_socket_address();
  REQUIRE(::getsockname(socket.get(), address.get(), &address.size) == 0);
  return address;
}

void send_to(const base::UniqueFd& socket, const SocketAddress& to, const std::string& data) {
  REQUIRE(::sendto(socket.get(), data.data(), data.size(), 0, to.get(), to.size) == static_cast<ssize_t>(data.size()));
}

struct Received {
  std::string data;
  SocketAddress from = rootless::empty_socket_address();
};

Received receive(const base::UniqueFd& socket) {
  Received result;
  result.data.resize(70'000);
  const ssize_t size =
      ::recvfrom(socket.get(), result.data.data(), result.data.size(), 0, result.from.get(), &result.from.size);
  REQUIRE(size >= 0);
  result.data.resize(static_cast<std::size_t>(size));
  return result;
}

/// A relay with one port, and a server behind it.
struct Stage {
  explicit Stage(rootless::RelayLimits limits = {}) {
    base::UniqueFd port = bound_socket();
    front = address_of(port);
    std::vector<rootless::RelayedPort> ports;
    ports.push_back({std::move(port), address_of(server)});
    relay.emplace(std::move(ports), limits);
  }

  /// @return what the server saw.
  Received pass_in(const base::UniqueFd& client, const std::string& data) {
    send_to(client, front, data);
    REQUIRE(relay->pass_on(patience_milliseconds));
    return receive(server);
  }

  base::UniqueFd server = bound_socket();
  SocketAddress front;
  std::optional<DatagramRelay> relay;
};

}  // namespace

TEST_CASE("a datagram goes in, and the answer comes back from the address that was asked") {
  Stage stage;
  const base::UniqueFd one = bound_socket(), other = bound_socket();
  for (const std::string& data : {std::string{"hello"}, std::string(65507, 'x'), std::string{}}) {
    const Received seen = stage.pass_in(one, data);
    CHECK(seen.data == data);
    const Received of_other = stage.pass_in(other, "other");
    CHECK_FALSE(seen.from == of_other.from);
    send_to(stage.server, seen.from, data);
    REQUIRE(stage.relay->pass_on(patience_milliseconds));
    const Received answer = receive(one);
    CHECK(answer.data == data);
    CHECK(answer.from == stage.front);
  }
  CHECK(stage.relay->clients() == 2);
}

TEST_CASE("whoever was quiet for longest makes room") {
  Stage stage{{.clients = 2}};
  const base::UniqueFd first = bound_socket(), second = bound_socket(), third = bound_socket();
  const SocketAddress first_seen = stage.pass_in(first, "a").from;
  const SocketAddress second_seen = stage.pass_in(second, "b").from;
  CHECK(stage.pass_in(first, "c").from == first_seen);
  stage.pass_in(third, "d");
  CHECK(stage.relay->clients() == 2);
  CHECK(stage.pass_in(first, "e").from == first_seen);
  CHECK_FALSE(stage.pass_in(second, "f").from == second_seen);
}

TEST_CASE("whoever is quiet for too long is forgotten, without anybody asking") {
  Stage stage{{.clients = 2, .idle = std::chrono::milliseconds{20}}};
  const base::UniqueFd client = bound_socket();
  stage.pass_in(client, "a");
  CHECK(stage.relay->clients() == 1);
  while (stage.relay->clients() > 0) stage.relay->pass_on(patience_milliseconds);
  CHECK(stage.pass_in(client, "b").data == "b");
}

TEST_CASE("a refusal of an earlier datagram costs no later one") {
  Stage stage;
  const SocketAddress target = address_of(stage.server);
  const base::UniqueFd client = bound_socket();
  stage.server.reset();
  send_to(client, stage.front, "to nobody");
  REQUIRE(stage.relay->pass_on(patience_milliseconds));
  stage.server = bound_socket(target);
  send_to(client, stage.front, "to somebody");
  REQUIRE(stage.relay->pass_on(patience_milliseconds));  // the port is first in the kernel's list, before the refusal
  CHECK(receive(stage.server).data == "to somebody");
}

TEST_CASE("a relay ends when it is told") {
  Stage stage;
  base::Pipe end = base::make_pipe();
  end.write_end.reset();
  stage.relay->run_until(end.read_end.get());
}
