#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/channel.hpp"
#include "base/error.hpp"

using namespace base;

TEST_CASE("messages arrive whole and in order") {
  const auto [left, right] = Channel::make_pair();
  left.send("one");
  left.send(std::string(Channel::max_message_bytes, 'x'));
  CHECK(right.receive()->bytes == "one");
  CHECK(right.receive()->bytes.size() == Channel::max_message_bytes);
  right.send(std::string("a\0b", 3));
  CHECK(left.receive()->bytes == std::string("a\0b", 3));
}

TEST_CASE("descriptors travel with a message and are close-on-exec") {
  const auto [left, right] = Channel::make_pair();
  const Pipe pipe = make_pipe();
  left.send("fds", {pipe.read_end.get(), pipe.write_end.get()});
  const std::optional<Channel::Message> message = right.receive();
  REQUIRE(message);
  REQUIRE(message->fds.size() == 2);
  for (const UniqueFd& fd : message->fds) CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
  write_all(message->fds[1].get(), "through");
  char buffer[7];
  CHECK(read_full(pipe.read_end.get(), buffer, sizeof buffer) == 7);
}

TEST_CASE("as many descriptors as allowed can travel") {
  const auto [left, right] = Channel::make_pair();
  const Pipe pipe = make_pipe();
  left.send("x", std::vector<int>(Channel::max_fds, pipe.read_end.get()));
  CHECK(right.receive()->fds.size() == Channel::max_fds);
}

TEST_CASE("a message outside the limits is not sent") {
  const auto [left, right] = Channel::make_pair();
  CHECK_THROWS_AS(left.send(""), Error);
  CHECK_THROWS_AS(left.send(std::string(Channel::max_message_bytes + 1, 'x')), Error);
  CHECK_THROWS_AS(left.send("x", std::vector<int>(Channel::max_fds + 1, 0)), Error);
}

TEST_CASE("the end of the peer is end of file for the reader and EPIPE for the writer") {
  auto [left, right] = Channel::make_pair();
  left.send("last");
  left.close();
  CHECK(right.receive()->bytes == "last");
  CHECK(!right.receive());
  try {
    right.send("x");
    FAIL("sent");
  } catch (const Error& error) {
    CHECK(error.code() == EPIPE);
  }
}

TEST_CASE("unread messages of ours do not turn the end into an error") {
  auto [left, right] = Channel::make_pair();
  right.send("never read");
  left.close();
  CHECK(!right.receive());
}

TEST_CASE("the last words of a peer that did not read ours are heard") {
  auto [left, right] = Channel::make_pair();
  left.send("unread");
  right.send("last words");
  right.close();
  const auto heard = left.receive();
  REQUIRE(heard);
  CHECK(heard->bytes == "last words");
  CHECK_FALSE(left.receive());
}
