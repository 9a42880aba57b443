#include <arpa/inet.h>
#include <chrono>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "registry/http_client.hpp"
#include "registry/http_server.hpp"

using registry::HttpServer;
using registry::parse_range;
using registry::ServerRequest;
using registry::ServerResponse;

namespace {

base::UniqueFd connect_to(std::uint16_t port) {
  base::UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

/// What the server answers to `request` until it closes the connection.
std::string talk(std::uint16_t port, std::string_view request) {
  const base::UniqueFd fd = connect_to(port);
  base::write_all(fd.get(), request);
  return base::read_to_end(fd.get(), 1024 * 1024);
}

ServerResponse echo(const ServerRequest& request) {
  if (request.path == "/throw") throw base::Error(base::ErrorKind::internal, "thrown on purpose");
  return {.status = 200,
          .headers = {{"X-Path", request.path}},
          .body = request.method + " " + request.parameter("n") + " " + request.range};
}

}  // namespace

TEST_CASE("ranges as the standard has them") {
  struct Row {
    const char* header;
    std::uint64_t offset, size;  ///< size 0: no range
    bool unsatisfiable;
  };
  const Row rows[] = {
      {"", 0, 0, false},           {"bytes=0-4", 0, 5, false},
      {"bytes=5-", 5, 5, false},   {"bytes=-3", 7, 3, false},
      {"bytes=-30", 0, 10, false}, {"bytes=8-100", 8, 2, false},
      {"bytes=10-", 0, 0, true},   {"bytes=-0", 0, 0, true},
      {"bytes=4-2", 0, 0, false},  {"bytes=0-1,3-4", 0, 0, false},
      {"lines=0-1", 0, 0, false},  {"bytes=x-1", 0, 0, false},
      {"bytes=1-x", 0, 0, false},  {"bytes=99999999999999999999-", 0, 0, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.header);
    const registry::RangeAnswer answer = parse_range(row.header, 10);
    CHECK(answer.is_unsatisfiable == row.unsatisfiable);
    REQUIRE(answer.range.has_value() == (row.size > 0));
    if (row.size == 0) continue;
    CHECK(answer.range->offset == row.offset);
    CHECK(answer.range->size_bytes == row.size);
  }
}

TEST_CASE("a request becomes a struct, and a struct the response") {
  const HttpServer server({}, echo);
  const std::string answer =
      talk(server.port(), "GET /a/b?n=5 HTTP/1.1\r\nHost: x\r\nRange: bytes=1-2\r\nConnection: close\r\n\r\n");
  CHECK(answer.substr(0, 15) == "HTTP/1.1 200 OK");
  CHECK(answer.find("X-Path: /a/b\r\n") != std::string::npos);
  CHECK(answer.substr(answer.size() - 15) == "GET 5 bytes=1-2");
}

TEST_CASE("HEAD gets the length and no body") {
  const HttpServer server({}, echo);
  const std::string answer = talk(server.port(), "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(answer.find("Content-Length: 6\r\n") != std::string::npos);
  CHECK(answer.substr(answer.size() - 4) == "\r\n\r\n");
}

TEST_CASE("what a handler throws is a 500, and the server lives on") {
  const HttpServer server({}, echo);
  CHECK(talk(server.port(), "GET /throw HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").substr(9, 3) == "500");
  CHECK(talk(server.port(), "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").substr(9, 3) == "200");
}

TEST_CASE("bodies, long headers and nonsense end the connection, not the server") {
  const HttpServer server({}, echo);
  const std::string long_line(100'000, 'a');
  for (const std::string& request :
       {std::string{"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"},
        base::concat("GET /", long_line, " HTTP/1.1\r\nHost: x\r\n\r\n"),
        std::string{"\x16\x03\x01\x02 nonsense\r\n\r\n"},
        base::concat("GET /", std::string(3000, 'a'), " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")}) {
    const base::UniqueFd fd = connect_to(server.port());
    // The server may have closed it already.
    static_cast<void>(::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL));
    char buffer[512];
    const ssize_t got = ::recv(fd.get(), buffer, sizeof buffer, 0);
    if (got > 12) CHECK(std::string_view(buffer, 512).substr(9, 1) != "2");
  }
  CHECK(talk(server.port(), "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").substr(9, 3) == "200");
}

TEST_CASE("a client that takes its time over a request is cut off, although it is never idle") {
  registry::ServerSettings settings;
  settings.request_limit = std::chrono::seconds{1};
  const HttpServer server(settings, echo);
  const base::UniqueFd fd = connect_to(server.port());
  // A byte whenever the kernel takes one, until the other side has shut down; the limit of the server ends it.
  const auto start = std::chrono::steady_clock::now();
  const std::string request = "GET /";
  static_cast<void>(::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL));
  timeval patience{.tv_sec = 0, .tv_usec = 100'000};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  char byte = 0;
  while (true) {
    const ssize_t got = ::recv(fd.get(), &byte, 1, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK)) break;
    static_cast<void>(::send(fd.get(), "a", 1, MSG_NOSIGNAL));
    REQUIRE(std::chrono::steady_clock::now() - start < std::chrono::seconds{60});
  }
}

TEST_CASE("a stream that fails cuts the connection short of its length") {
  const HttpServer server({}, [](const ServerRequest&) {
    return ServerResponse{
        .status = 200,
        .headers = {},
        .body = registry::StreamBody{.size_bytes = 100, .read = [](std::uint64_t position, char* buffer, std::size_t) {
                                       if (position > 0) return std::ptrdiff_t{-1};
                                       buffer[0] = 'x';
                                       return std::ptrdiff_t{1};
                                     }}};
  });
  const std::string answer = talk(server.port(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(answer.find("Content-Length: 100\r\n") != std::string::npos);
  CHECK(answer.substr(answer.find("\r\n\r\n") + 4) == "x");
}

TEST_CASE("a port that is taken and an address that is none are told apart") {
  const HttpServer server({}, echo);
  registry::ServerSettings same;
  same.port = server.port();
  try {
    const HttpServer second(same, echo);
    FAIL("no error");
  } catch (const base::Error& error) {
    CHECK(error.kind() == base::ErrorKind::in_use);
  }
  registry::ServerSettings odd;
  odd.address = "not.an.address";
  CHECK_THROWS_AS(HttpServer(odd, echo), base::Error);
}
