#include <chrono>
#include <cstdint>
#include <doctest/doctest.h>
#include <functional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "runtime/dbus.hpp"
#include "runtime/dbus_message.hpp"

namespace {

using namespace std::string_literals;
using base::Error;
using runtime::DbusConnection;
using runtime::DbusKind;
using runtime::DbusMessage;
using runtime::DbusReader;
using runtime::DbusWriter;

runtime::DbusDeadline in(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

DbusMessage signal_named(const std::string& member, std::uint32_t serial = 9) {
  DbusMessage message;
  message.kind = DbusKind::signal;
  message.serial = serial;
  message.path = "/o";
  message.interface = "i.j";
  message.member = member;
  return message;
}

DbusMessage reply_to(std::uint32_t serial, const std::string& text) {
  DbusMessage message;
  message.kind = DbusKind::reply;
  message.serial = 70;
  message.reply_serial = serial;
  message.signature = "s";
  DbusWriter body;
  body.text(text);
  message.body = body.bytes();
  return message;
}

/// The other end of a connection, in a thread of its own, over a real socket.
class Peer {
 public:
  explicit Peer(std::function<void(int)> work) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    ours = base::UniqueFd{ends[0]};
    thread_ = std::thread{[work = std::move(work), theirs = base::UniqueFd{ends[1]}] { work(theirs.get()); }};
  }
  ~Peer() {
    ours.reset();
    thread_.join();
  }
  base::UniqueFd ours;

 private:
  std::thread thread_;
};

void expect(int fd, std::string_view bytes) {
  std::string received(bytes.size(), '\0');
  base::read_full(fd, received.data(), received.size());
  CHECK(received == bytes);
}

// The whole of it comes before the first answer: systemd would lose a call that it reads together with the last line.
const std::string login = "\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"s;

void accept_login(int fd) {
  expect(fd, login);
  base::write_all(fd, "DATA\r\nOK 0123456789abcdef\r\nAGREE_UNIX_FD\r\n");
}

DbusMessage receive_call(int fd) {
  std::string bytes(runtime::dbus_fixed_header_bytes, '\0');
  base::read_full(fd, bytes.data(), bytes.size());
  bytes.resize(runtime::dbus_message_size(bytes));
  base::read_full(fd, bytes.data() + runtime::dbus_fixed_header_bytes, bytes.size() - runtime::dbus_fixed_header_bytes);
  return runtime::parse_dbus_message(bytes);
}

runtime::DbusCall ping() {
  return {.path = "/o", .interface = "i.j", .member = "Ping", .destination = "d.e", .signature = "", .body = ""};
}

}  // namespace

// The bytes are those of the example in the specification's "Marshaling", and what dbus-send(1) writes.
TEST_CASE("values are aligned and lengths exclude the padding in front of the first element") {
  DbusWriter writer;
  writer.byte(1);
  writer.text("foo");
  writer.text("+");
  CHECK(writer.bytes() == "\1\0\0\0\3\0\0\0foo\0\1\0\0\0+\0"s);

  DbusWriter array;
  array.variant(std::vector<std::pair<std::string, std::uint64_t>>{{"a", 2}});
  CHECK(array.bytes() == "\5a(st)\0\0\x10\0\0\0\0\0\0\0\1\0\0\0a\0\0\0\2\0\0\0\0\0\0\0"s);
}

TEST_CASE("every type of a property is written with its signature") {
  const std::pair<runtime::DbusValue, std::string> cases[] = {
      {true, "\1b\0\0\1\0\0\0"s},
      {std::int32_t{-2}, "\1i\0\0\xfe\xff\xff\xff"s},
      {std::uint32_t{2}, "\1u\0\0\2\0\0\0"s},
      {std::int64_t{-2}, "\1x\0\0\0\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff"s},
      {std::uint64_t{2}, "\1t\0\0\0\0\0\0\2\0\0\0\0\0\0\0"s},
      {1.0, "\1d\0\0\0\0\0\0\0\0\0\0\0\0\xf0\x3f"s},
      {"ab"s, "\1s\0\0\2\0\0\0ab\0"s},
      {std::vector<std::uint8_t>{3, 0}, "\2ay\0\2\0\0\0\3\0"s},
      {std::vector<std::uint32_t>{7}, "\2au\0\4\0\0\0\7\0\0\0"s},
      {std::vector<std::string>{"a", "b"}, "\2as\0\x0e\0\0\0\1\0\0\0a\0\0\0\1\0\0\0b\0"s},
      {std::vector<std::pair<std::string, std::string>>{}, "\5a(ss)\0\0\0\0\0\0\0\0\0"s.substr(0, 12)},
  };
  for (const auto& [value, bytes] : cases) {
    const auto& shown = value;
    CAPTURE(runtime::signature_of(shown));
    DbusWriter writer;
    writer.variant(value);
    CHECK(writer.bytes().substr(0, bytes.size()) == bytes);
  }
}

TEST_CASE("a message is read as it was written") {
  DbusMessage message = reply_to(5, "text");
  message.kind = DbusKind::error;
  message.error_name = "e.f";
  const DbusMessage read = runtime::parse_dbus_message(runtime::write_dbus_message(message));
  CHECK(read.kind == DbusKind::error);
  CHECK(read.serial == 70);
  CHECK(read.reply_serial == 5);
  CHECK(read.error_name == "e.f");
  CHECK(runtime::text_of_dbus_error(read) == "text (e.f)");
  const DbusMessage signal = runtime::parse_dbus_message(runtime::write_dbus_message(signal_named("S")));
  CHECK(signal.member == "S");
  CHECK(signal.path == "/o");
}

TEST_CASE("every cut of a message and every wrong length is refused") {
  const std::string whole = runtime::write_dbus_message(reply_to(5, "some text"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_THROWS_AS(runtime::parse_dbus_message(whole.substr(0, size)), Error);
  }
  CHECK_THROWS_AS(runtime::parse_dbus_message(whole + '\0'), Error);
  CHECK_NOTHROW(runtime::parse_dbus_message(whole));
}

TEST_CASE("no byte of a message can be changed so that reading it leaves the message") {
  const std::string whole = runtime::write_dbus_message(reply_to(5, "some text"));
  int refused = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char byte : {'\0', '\1', '\x7f', '\xff'}) {
      std::string changed = whole;
      changed[at] = byte;
      try {
        const DbusMessage read = runtime::parse_dbus_message(changed);
        DbusReader{read.body}.text();
      } catch (const Error& error) {
        CHECK(error.kind() == base::ErrorKind::corrupt);
        ++refused;
      }
    }
  }
  CHECK(refused > 100);
}

TEST_CASE("a length is accepted up to the limit and refused one byte past it") {
  std::string header = runtime::write_dbus_message(signal_named("S")).substr(0, runtime::dbus_fixed_header_bytes);
  const auto set = [&](std::size_t at, std::size_t value) {
    const auto number = static_cast<std::uint32_t>(value);
    header.replace(at, sizeof number, reinterpret_cast<const char*>(&number), sizeof number);
  };
  set(12, 8);
  set(4, runtime::max_dbus_message_bytes - runtime::dbus_fixed_header_bytes - 8);
  CHECK(runtime::dbus_message_size(header) == runtime::max_dbus_message_bytes);
  set(4, runtime::max_dbus_message_bytes - runtime::dbus_fixed_header_bytes - 8 + 1);
  CHECK_THROWS_AS(runtime::dbus_message_size(header), Error);
  set(4, 0);
  set(12, 0xffffffff);
  CHECK_THROWS_AS(runtime::dbus_message_size(header), Error);
}

TEST_CASE("another byte order, type or version is refused") {
  const std::string whole = runtime::write_dbus_message(signal_named("S"));
  for (const auto& [at, byte] : {std::pair<std::size_t, char>{0, 'B'}, {1, 0}, {1, 5}, {3, 2}}) {
    std::string changed = whole;
    changed[at] = byte;
    CHECK_THROWS_AS(runtime::parse_dbus_message(changed), Error);
  }
}

TEST_CASE("the peer decides by the kernel's word who we are, and signals that come before the answer are kept") {
  Peer peer{[](int fd) {
    accept_login(fd);
    const DbusMessage call = receive_call(fd);
    CHECK(call.member == "Ping");
    CHECK(call.destination == "d.e");
    // Three messages in one write, of which one is not wanted, and the last in two pieces.
    const std::string answer = runtime::write_dbus_message(reply_to(call.serial, "pong"));
    base::write_all(fd, runtime::write_dbus_message(signal_named("Other")) +
                            runtime::write_dbus_message(signal_named("Wanted")) + answer.substr(0, 20));
    base::write_all(fd, answer.substr(20));
  }};
  DbusConnection connection = DbusConnection::over(std::move(peer.ours), "Wanted", in(std::chrono::seconds{20}));
  const DbusMessage answer = connection.call(ping(), in(std::chrono::seconds{20}));
  CHECK(DbusReader{answer.body}.text() == "pong");
  CHECK(connection.wait_for_signal(in(std::chrono::seconds{20})).member == "Wanted");
  CHECK_THROWS_AS(connection.wait_for_signal(in(std::chrono::seconds{20})), Error);  // the peer has gone
}

TEST_CASE("a peer that refuses us is an error of permission") {
  Peer peer{[](int fd) {
    expect(fd, login);
    base::write_all(fd, "REJECTED EXTERNAL\r\n");
  }};
  try {
    DbusConnection::over(std::move(peer.ours), "", in(std::chrono::seconds{20}));
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == base::ErrorKind::permission);
  }
}

TEST_CASE("a peer that never ends its line, or never answers, does not keep us") {
  Peer chatty{[](int fd) {
    expect(fd, login);
    base::write_all(fd, std::string(4096, 'x'));
  }};
  CHECK_THROWS_AS(DbusConnection::over(std::move(chatty.ours), "", in(std::chrono::seconds{20})), Error);
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const base::UniqueFd nobody{ends[1]};
  CHECK_THROWS_AS(DbusConnection::over(base::UniqueFd{ends[0]}, "", in(std::chrono::milliseconds{30})), Error);
}

TEST_CASE("a socket where nobody listens is not found") {
  try {
    DbusConnection::open("/nonexistent/engine/socket", "", in(std::chrono::seconds{20}));
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == base::ErrorKind::not_found);
  }
}
