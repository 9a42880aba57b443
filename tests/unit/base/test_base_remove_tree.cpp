#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/scope_exit.hpp"

using namespace base;

namespace {

void write_bytes(int dir, const std::string& name, std::size_t count) {
  write_file_atomically(dir, name, std::string(count, 'x'), Durability::volatile_);
}

/// Makes `depth` directories, each in the one before, without ever having a long path.
void make_deep(int top, int depth) {
  UniqueFd current = duplicate(top);
  for (int level = 0; level < depth; ++level) {
    if (level % 100 == 0) write_bytes(current.get(), "file", 1);
    current = make_directory(current.get(), "d");
  }
}

}  // namespace

TEST_CASE("a tree is removed, and what a link points to is not") {
  const TempDir dir;
  write_bytes(make_directories(dir.fd(), "outside").get(), "kept", 1);
  const UniqueFd tree = make_directories(dir.fd(), "tree/a/b");
  write_bytes(tree.get(), "file", 1);
  REQUIRE(::symlinkat("../../../outside", tree.get(), "link") == 0);
  REQUIRE(::symlinkat("/nonexistent", tree.get(), "dangling") == 0);
  REQUIRE(::mkfifoat(tree.get(), "fifo", 0600) == 0);
  REQUIRE(::linkat(dir.fd(), "outside/kept", tree.get(), "hard", 0) == 0);
  remove_tree(dir.fd(), "tree");
  CHECK_FALSE(exists(dir.fd(), "tree"));
  CHECK(read_file(dir.fd(), "outside/kept", 10) == "x");
}

TEST_CASE("a file, a link and nothing at all can be removed too") {
  const TempDir dir;
  write_bytes(dir.fd(), "file", 1);
  make_directory(dir.fd(), "target");
  REQUIRE(::symlinkat("target", dir.fd(), "link") == 0);
  remove_tree(dir.fd(), "file");
  remove_tree(dir.fd(), "link");
  remove_tree(dir.fd(), "absent");
  CHECK(list_directory(dir.fd(), ".") == std::vector<std::string>{"target"});
}

TEST_CASE("directories without permissions are removed by their owner") {
  const TempDir dir;
  for (const mode_t mode : {0000u, 0500u, 0300u, 0600u, 0100u}) {
    CAPTURE(mode);
    const UniqueFd outer = make_directories(dir.fd(), "tree/work");
    write_bytes(make_directory(outer.get(), "inner").get(), "file", 1);
    REQUIRE(::fchmodat(outer.get(), "inner", mode, 0) == 0);
    REQUIRE(::fchmod(outer.get(), mode) == 0);
    remove_tree(dir.fd(), "tree");
    CHECK_FALSE(exists(dir.fd(), "tree"));
  }
}

TEST_CASE("a very deep tree needs few descriptors") {
  const TempDir dir;
  make_deep(make_directory(dir.fd(), "tree").get(), 600);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit few{100, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  const auto restore = on_scope_exit([&] { ::setrlimit(RLIMIT_NOFILE, &before); });
  CHECK(disk_usage(dir.fd(), "tree") > 0);
  remove_tree(dir.fd(), "tree");
  CHECK_FALSE(exists(dir.fd(), "tree"));
}

TEST_CASE("a wide tree is removed completely") {
  const TempDir dir;
  const UniqueFd tree = make_directory(dir.fd(), "tree");
  for (int index = 0; index < 1000; ++index) {
    if (index % 3 == 0) make_directory(tree.get(), concat("directory-with-a-long-name-", index));
    if (index % 3 != 0) REQUIRE(::mknodat(tree.get(), concat("file-", index).c_str(), S_IFREG | 0600, 0) == 0);
  }
  remove_tree(dir.fd(), "tree");
  CHECK_FALSE(exists(dir.fd(), "tree"));
}

TEST_CASE("disk usage counts hard links once and follows no link") {
  const TempDir dir;
  const UniqueFd tree = make_directory(dir.fd(), "tree");
  CHECK(disk_usage(dir.fd(), "absent") == 0);
  write_bytes(tree.get(), "file", 100'000);
  const std::uint64_t once = disk_usage(dir.fd(), "tree");
  CHECK(once >= 100'000);
  REQUIRE(::linkat(tree.get(), "file", tree.get(), "hard", 0) == 0);
  REQUIRE(::symlinkat("..", tree.get(), "up") == 0);
  CHECK(disk_usage(dir.fd(), "tree") < once + 50'000);
  write_bytes(make_directory(tree.get(), "below").get(), "file", 100'000);
  CHECK(disk_usage(dir.fd(), "tree") >= 200'000);
}
