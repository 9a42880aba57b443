#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/scope_exit.hpp"
#include "base/stream.hpp"

using namespace base;

TEST_CASE("an error from a system call says what, why, and of which kind") {
  const UniqueFd fd{::open("/nonexistent/file", O_RDONLY | O_CLOEXEC)};
  const Error error = os_error("opening ", quoted("x"));
  CHECK(error.message() == "opening \"x\": No such file or directory");
  CHECK(error.kind() == ErrorKind::not_found);
  CHECK(error.code() == ENOENT);
}

TEST_CASE("the outer frames are put in front, and kind, code and hint stay") {
  try {
    with_context([]() -> int { throw error_from_code(ENOSPC, "writing").with_hint("make room"); }, "pulling ", 3);
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.message() == "pulling 3: writing: No space left on device");
    CHECK(error.kind() == ErrorKind::no_space);
    CHECK(error.code() == ENOSPC);
    CHECK(error.hint() == "make room");
  }
  CHECK(with_context([] { return 7; }, "nothing") == 7);
}

TEST_CASE("a descriptor has one owner and closing keeps errno") {
  Pipe pipe = make_pipe();
  const int number = pipe.read_end.get();
  UniqueFd moved = std::move(pipe.read_end);
  CHECK(!pipe.read_end);
  CHECK(moved.get() == number);
  errno = EXDEV;
  moved.reset();
  CHECK(errno == EXDEV);
  CHECK(::fcntl(number, F_GETFD) == -1);
  CHECK((::fcntl(pipe.write_end.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("reading to the end stops at the limit") {
  for (const std::size_t limit : {std::size_t{4}, std::size_t{5}}) {
    Pipe pipe = make_pipe();
    write_all(pipe.write_end.get(), "12345");
    pipe.write_end.reset();
    if (limit == 5) {
      CHECK(read_to_end(pipe.read_end.get(), limit) == "12345");
    } else {
      CHECK_THROWS_AS(read_to_end(pipe.read_end.get(), limit), Error);
    }
  }
}

TEST_CASE("a full read returns less only at end of file") {
  Pipe pipe = make_pipe();
  write_all(pipe.write_end.get(), "abc");
  pipe.write_end.reset();
  FdSource source{pipe.read_end.get()};
  char buffer[8];
  CHECK(source.read(buffer, 1) == 1);
  CHECK(read_full(pipe.read_end.get(), buffer, 8) == 2);
  CHECK(source.read(buffer, 8) == 0);
}

TEST_CASE("a string sink refuses more than its limit") {
  StringSink sink{3};
  sink.write("ab");
  CHECK_THROWS_AS(sink.write("cd"), Error);
  sink.write("c");
  CHECK(sink.take() == "abc");
}

TEST_CASE("the undo of a scope runs unless it was cancelled") {
  int runs = 0;
  {
    auto undo = on_scope_exit([&] { ++runs; });
    auto cancelled = on_scope_exit([&] { runs += 10; });
    cancelled.cancel();
  }
  CHECK(runs == 1);
}
