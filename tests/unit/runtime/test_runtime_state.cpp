#include <doctest/doctest.h>
#include <unistd.h>

#include "base/process.hpp"
#include "runtime/state.hpp"

TEST_CASE("our own process has a start time and can be opened by it") {
  const auto time = runtime::process_start_time(::getpid());
  REQUIRE(time);
  CHECK(runtime::open_process(::getpid(), *time));
  CHECK_FALSE(runtime::open_process(::getpid(), *time + 1));
}

TEST_CASE("a process that ended is not there, not even as a zombie") {
  base::Child child = base::spawn({.path = "/bin/true", .argv = {"true"}});
  const pid_t pid = child.pid();
  child.wait();
  CHECK_FALSE(runtime::process_start_time(pid));
  CHECK_FALSE(runtime::open_process(pid, 1));
  CHECK_FALSE(runtime::open_process(-1, 1));
}
