// In a build with -Dunsafe_paths=true the escape tests must fail: that proves that they can.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/path_in_root.hpp"

using namespace base;

namespace {

/// A root with a neighbour that nothing may reach, and the links that try.
struct Jail {
  TempDir dir;
  UniqueFd root = make_directory(dir.fd(), "root");

  Jail() {
#ifdef FSROOT_UNSAFE
    REQUIRE_MESSAGE(::geteuid() != 0, "in this build the tests do escape: run them as an ordinary user");
#endif
    write_file_atomically(dir.fd(), "secret", "outside");
    make_directories(root.get(), "etc/sub");
    write_file_atomically(open_directory(root.get(), "etc").get(), "passwd", "inside");
    write_file_atomically(root.get(), "secret", "inside");
    link(dir.path() + "/secret", "absolute");
    link("../secret", "up");
    link("../../../../../../../../../../etc", "far_up");
    link("/etc", "etc_link");
    link("../../secret", "etc/sub/relative");
    link("loop", "loop");
    link("/proc/self/root", "magic");
  }
  void link(const std::string& target, const char* name) {
    REQUIRE(::symlinkat(target.c_str(), root.get(), name) == 0);
  }
  std::string read(const std::string& path) {
    return read_small_file_in_root(root.get(), path, 100);
  }
};

}  // namespace

TEST_CASE("links and .. stay inside the root") {
  Jail jail;
  CHECK(jail.read("secret") == "inside");
  CHECK(jail.read("/secret") == "inside");
  CHECK(jail.read("up") == "inside");
  CHECK(jail.read("../secret") == "inside");
  CHECK(jail.read("../../../../../../../../secret") == "inside");
  CHECK(jail.read("etc/sub/relative") == "inside");
  CHECK(jail.read("etc/../../secret") == "inside");
  CHECK(jail.read("far_up/passwd") == "inside");
  CHECK(jail.read("etc_link/passwd") == "inside");
  CHECK(jail.read("absolute") == "");
}

TEST_CASE("what cannot be resolved is absent or an error, as asked") {
  Jail jail;
  for (const char* absent : {"absolute", "nothing", "secret/below", "loop", "loop/x"}) {
    CAPTURE(absent);
    CHECK(!try_open_in_root(jail.root.get(), absent, O_PATH));
    CHECK_THROWS_AS(open_in_root(jail.root.get(), absent, O_PATH), Error);
  }
  CHECK(open_in_root(jail.root.get(), "", O_PATH | O_DIRECTORY));
  CHECK(open_in_root(jail.root.get(), "/", O_PATH | O_DIRECTORY));
  CHECK((::fcntl(open_in_root(jail.root.get(), "/", O_PATH).get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("our own trees are opened without any link") {
  Jail jail;
  CHECK(open_beneath(jail.root.get(), "etc/passwd", O_RDONLY));
  for (const char* bad : {"etc_link/passwd", "../secret", "/etc/passwd", "etc/../../secret", "up"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(open_beneath(jail.root.get(), bad, O_RDONLY), Error);
  }
}

TEST_CASE("directories are made inside the root, through links too") {
  Jail jail;
  const MadeDirectory made = make_directories_in_root(jail.root.get(), "/a/b/c", 0755);
  CHECK(made.made);
  CHECK(exists(jail.root.get(), "a/b/c"));
  CHECK_FALSE(make_directories_in_root(jail.root.get(), "a/b/c").made);
  CHECK(make_directories_in_root(jail.root.get(), "etc_link/new").made);
  CHECK(exists(jail.root.get(), "etc/new"));
  CHECK(make_directories_in_root(jail.root.get(), "../../over/x").made);
  CHECK(exists(jail.root.get(), "over/x"));
  CHECK_FALSE(exists(jail.dir.fd(), "over"));
  CHECK_FALSE(make_directories_in_root(jail.root.get(), "/").made);
}

TEST_CASE("a dangling link is followed inside the root") {
  Jail jail;
  jail.link("/run/lock", "dangling");
  jail.link("../run/stub/resolv.conf", "etc/resolv.conf");
  jail.link(jail.dir.path() + "/escaped", "etc/escape");
  CHECK(make_directories_in_root(jail.root.get(), "dangling/deep").made);
  CHECK(exists(jail.root.get(), "run/lock/deep"));
  CHECK(make_file_in_root(jail.root.get(), "/etc/resolv.conf"));
  CHECK(exists(jail.root.get(), "run/stub/resolv.conf"));
  CHECK(make_file_in_root(jail.root.get(), "etc/escape"));
  CHECK_FALSE(exists(jail.dir.fd(), "escaped"));
  CHECK(exists(jail.root.get(), (jail.dir.path() + "/escaped").substr(1)));
}

TEST_CASE("making fails where a file or a loop is in the way") {
  Jail jail;
  for (const char* bad : {"secret/below", "loop/x", "loop", "nothing/../x", "secret"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(make_directories_in_root(jail.root.get(), bad), Error);
  }
  for (const char* bad : {"loop", "etc/new/", "secret/x", "never/.."}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(make_file_in_root(jail.root.get(), bad), Error);
  }
}

TEST_CASE("making a file leaves what is there alone") {
  Jail jail;
  CHECK(make_file_in_root(jail.root.get(), "secret"));
  CHECK(jail.read("secret") == "inside");
  CHECK(make_file_in_root(jail.root.get(), "new/dir/file", 0600));
  CHECK(exists(jail.root.get(), "new/dir/file"));
}

TEST_CASE("only small regular files are read from a root") {
  Jail jail;
  REQUIRE(::mkfifoat(jail.root.get(), "fifo", 0600) == 0);
  CHECK(jail.read("fifo") == "");
  CHECK(jail.read("etc") == "");
  CHECK(jail.read("nothing") == "");
  write_file_atomically(jail.root.get(), "big", std::string(101, 'x'));
  CHECK_THROWS_AS(jail.read("big"), Error);
}
