#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/lock.hpp"
#include "base/process.hpp"

using namespace base;
using namespace std::chrono_literals;
using Mode = FileLock::Mode;

namespace {

/// This program again, running one helper below: descriptor 3 is the directory, 4 its output, 5 its input.
struct Helper {
  Pipe output = make_pipe();
  Pipe input = make_pipe();
  Child child;

  Helper(const char* test_case, int dir) {
    const UniqueFd null{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    child = spawn({.path = "/proc/self/exe",
                   .argv = {"unit_base", "--no-skip", concat("-tc=", test_case)},
                   .fds = {{null.get(), 1}, {dir, 3}, {output.write_end.get(), 4}, {input.read_end.get(), 5}},
                   .null_stdin = true});
    output.write_end.reset();
    char byte = 0;
    REQUIRE(read_some(output.read_end.get(), &byte, 1) == 1);
  }
};

void hold_until_told(Mode mode) {
  const FileLock lock = FileLock::acquire(3, "lock", mode);
  write_all(4, "x");
  char byte = 0;
  read_some(5, &byte, 1);
}

}  // namespace

TEST_CASE("helper: holds the lock alone" * doctest::skip()) {
  hold_until_told(Mode::exclusive);
}
TEST_CASE("helper: holds the lock with others" * doctest::skip()) {
  hold_until_told(Mode::shared);
}

TEST_CASE("an exclusive lock keeps another process out until it ends, even by SIGKILL") {
  const TempDir dir;
  CHECK_FALSE(FileLock::is_held(dir.fd(), "lock"));
  Helper helper{"helper: holds the lock alone", dir.fd()};
  CHECK(FileLock::is_held(dir.fd(), "lock"));
  CHECK(!FileLock::try_acquire(dir.fd(), "lock", Mode::exclusive));
  CHECK(!FileLock::try_acquire(dir.fd(), "lock", Mode::shared));
  CHECK(!FileLock::acquire_for(dir.fd(), "lock", Mode::shared, 20ms));
  CHECK(read_file(dir.fd(), "lock", 100).rfind(concat("pid ", helper.child.pid(), " ("), 0) == 0);
  helper.child.send_signal(SIGKILL);
  helper.child.wait();
  CHECK_FALSE(FileLock::is_held(dir.fd(), "lock"));
  CHECK(FileLock::try_acquire(dir.fd(), "lock", Mode::exclusive));
}

TEST_CASE("shared locks live together and keep an exclusive one out") {
  const TempDir dir;
  Helper helper{"helper: holds the lock with others", dir.fd()};
  CHECK_FALSE(FileLock::is_held(dir.fd(), "lock"));
  CHECK(FileLock::try_acquire(dir.fd(), "lock", Mode::shared));
  CHECK(!FileLock::try_acquire(dir.fd(), "lock", Mode::exclusive));
}

TEST_CASE("waiting ends when the holder lets go") {
  const TempDir dir;
  Helper helper{"helper: holds the lock alone", dir.fd()};
  helper.input.write_end.reset();
  CHECK_NOTHROW((void)FileLock::acquire(dir.fd(), "lock", Mode::exclusive));
}

TEST_CASE("two locks of one process exclude each other too") {
  const TempDir dir;
  std::optional<FileLock> first = FileLock::try_acquire(dir.fd(), "lock", Mode::exclusive);
  REQUIRE(first);
  CHECK(FileLock::is_held(dir.fd(), "lock"));
  CHECK(!FileLock::try_acquire(dir.fd(), "lock", Mode::exclusive));
  first.reset();
  CHECK(FileLock::try_acquire(dir.fd(), "lock", Mode::exclusive));
}

TEST_CASE("a lock passes to a child with its descriptor") {
  const TempDir dir;
  Pipe input = make_pipe();
  Child child;
  {
    const FileLock lock = FileLock::acquire(dir.fd(), "lock", Mode::exclusive);
    child = spawn({.path = "/bin/cat", .argv = {"cat"}, .fds = {{input.read_end.get(), 0}, {lock.fd(), 7}}});
  }
  CHECK(FileLock::is_held(dir.fd(), "lock"));
  input.write_end.reset();
  child.wait();
  CHECK_FALSE(FileLock::is_held(dir.fd(), "lock"));
}

TEST_CASE("locks with a rank are taken in ascending order only, and the list forgets those that are gone") {
  const TempDir dir;
  const auto take = [&](const char* name, int rank, Mode mode) {
    return FileLock::acquire(dir.fd(), name, mode, rank);
  };
  std::optional<FileLock> second = take("second", 2, Mode::exclusive);
  const FileLock third = take("third", 3, Mode::exclusive);
  CHECK_THROWS_AS(take("first", 1, Mode::exclusive), Error);
  CHECK_THROWS_AS(take("first", 1, Mode::shared), Error);
  CHECK_THROWS_AS(take("a-third", 3, Mode::exclusive), Error);  // of one rank: in the order of their names
  CHECK_NOTHROW((void)take("z-third", 3, Mode::exclusive));
  CHECK_NOTHROW((void)FileLock::acquire(dir.fd(), "without rank", Mode::exclusive));
  second.reset();
  CHECK_THROWS_AS(take("second", 2, Mode::exclusive), Error);  // the third is still held
}

TEST_CASE("a lock that would be waited for by its own holder is an error instead of a standstill") {
  const TempDir dir;
  const FileLock alone = FileLock::acquire(dir.fd(), "alone", Mode::exclusive, 1);
  CHECK_THROWS_AS(FileLock::acquire(dir.fd(), "alone", Mode::exclusive, 1), Error);
  CHECK_THROWS_AS(FileLock::acquire(dir.fd(), "alone", Mode::shared, 1), Error);
  const FileLock shared = FileLock::acquire(dir.fd(), "shared", Mode::shared, 2);
  CHECK_NOTHROW((void)FileLock::acquire(dir.fd(), "shared", Mode::shared, 2));
  CHECK_THROWS_AS(FileLock::acquire(dir.fd(), "shared", Mode::exclusive, 2), Error);
}
