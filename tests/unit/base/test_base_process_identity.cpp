#include <csignal>
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.hpp"
#include "base/process_identity.hpp"

TEST_CASE("our own process has an identity and can be opened by it") {
  const auto identity = base::identify_process(::getpid());
  REQUIRE(identity);
  CHECK(identity->pid == ::getpid());
  CHECK(base::open_process(*identity));
}

TEST_CASE("a process with the same number but another start or another inode is not the one that was meant") {
  const base::ProcessIdentity self = base::identify_or_none(::getpid());
  base::ProcessIdentity other = self;
  ++other.inode;
  CHECK_FALSE(base::open_process(other));
  other.inode = 0;
  CHECK(base::open_process(other));
  ++other.start_time;
  CHECK_FALSE(base::open_process(other));
}

TEST_CASE("a process that nobody has waited for yet is not there") {
  base::Child child = base::spawn({.path = "/bin/sleep", .argv = {"sleep", "1000"}});
  const base::ProcessIdentity running = base::identify_or_none(child.pid());
  base::ProcessIdentity by_start_time = running;
  by_start_time.inode = 0;
  REQUIRE(base::open_process(running));
  child.send_signal(SIGKILL);
  siginfo_t ended{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child.pid()), &ended, WEXITED | WNOWAIT) == 0);
  CHECK_FALSE(base::open_process(running));
  CHECK_FALSE(base::open_process(by_start_time));
  child.wait();
}

TEST_CASE("a process that ended is not there, not even as a zombie") {
  base::Child child = base::spawn({.path = "/bin/true", .argv = {"true"}});
  const pid_t pid = child.pid();
  const auto before = base::identify_process(pid);
  child.wait();
  CHECK_FALSE(base::identify_process(pid));
  CHECK(base::identify_or_none(pid) == base::ProcessIdentity{.pid = pid});
  CHECK_FALSE(base::open_process(base::identify_or_none(pid)));
  if (before) CHECK_FALSE(base::open_process(*before));
  CHECK_FALSE(base::open_process({}));
  CHECK_FALSE(base::open_process({.pid = -1}));
}
