#include <doctest/doctest.h>
#include <unistd.h>

#include "base/process.hpp"
#include "runtime/kernel.hpp"
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

TEST_CASE("kernel features follow the version") {
  CHECK(runtime::kernel_features(6, 18).assembles_detached);
  CHECK(runtime::kernel_features(7, 0).overlay_takes_fds);
  CHECK_FALSE(runtime::kernel_features(6, 12).overlay_takes_fds);
  CHECK(runtime::kernel_features(6, 12).overlay_appends);
  CHECK_FALSE(runtime::kernel_features(6, 1).overlay_appends);
}
