#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"

using namespace base;

namespace {

mode_t mode_of(const TempDir& dir, const char* name) {
  struct stat status {};
  REQUIRE(::fstatat(dir.fd(), name, &status, AT_SYMLINK_NOFOLLOW) == 0);
  return status.st_mode & 07777;
}

}  // namespace

TEST_CASE("a file changes whole and leaves nothing beside it") {
  const TempDir dir;
  for (const Durability durability : {Durability::flushed, Durability::volatile_}) {
    write_file_atomically(dir.fd(), "state", "first, which is longer", durability);
    write_file_atomically(dir.fd(), "state", "second", durability, 0644);
    CHECK(read_file(dir.fd(), "state", 100) == "second");
    CHECK(mode_of(dir, "state") == 0644);
    CHECK(list_directory(dir.fd(), ".") == std::vector<std::string>{"state"});
  }
}

TEST_CASE("replacing a name keeps what others have open") {
  const TempDir dir;
  write_file_atomically(dir.fd(), "state", "old");
  const std::optional<UniqueFd> reader = try_open_file(dir.fd(), "state");
  write_file_atomically(dir.fd(), "state", "new");
  CHECK(read_to_end(reader->get(), 100) == "old");
}

TEST_CASE("a failed write leaves no temporary file") {
  const TempDir dir;
  make_directory(dir.fd(), "taken");
  write_file_atomically(make_directory(dir.fd(), "taken").get(), "x", "x");
  CHECK_THROWS_AS(write_file_atomically(dir.fd(), "taken", "x"), Error);
  CHECK(list_directory(dir.fd(), ".") == std::vector<std::string>{"taken"});
}

TEST_CASE("a file is created once only") {
  const TempDir dir;
  CHECK(create_file_exclusively(dir.fd(), "name", "first", Durability::flushed));
  CHECK_FALSE(create_file_exclusively(dir.fd(), "name", "second", Durability::volatile_));
  CHECK(read_file(dir.fd(), "name", 100) == "first");
  CHECK(list_directory(dir.fd(), ".") == std::vector<std::string>{"name"});
}

TEST_CASE("reading knows absence, limits and links") {
  const TempDir dir;
  CHECK(!try_read_file(dir.fd(), "absent", 10));
  CHECK_THROWS_WITH_AS(read_file(dir.fd(), "absent", 10), "opening \"absent\": No such file or directory", Error);
  write_file_atomically(dir.fd(), "ten", "0123456789");
  CHECK(read_file(dir.fd(), "ten", 10).size() == 10);
  CHECK_THROWS_AS(read_file(dir.fd(), "ten", 9), Error);
  REQUIRE(::symlinkat("ten", dir.fd(), "link") == 0);
  CHECK_THROWS_AS(read_file(dir.fd(), "link", 10), Error);
  CHECK(exists(dir.fd(), "link"));
  CHECK_FALSE(exists(dir.fd(), "absent"));
  CHECK_FALSE(exists(dir.fd(), "ten/below"));
}

TEST_CASE("directories are made with their parents, and a link in the last place is no directory") {
  const TempDir dir;
  CHECK(make_directories(dir.fd(), "a/b/c"));
  CHECK(make_directories(dir.fd(), "a/b/c/"));
  CHECK(make_directories(AT_FDCWD, dir.path() + "/x/y"));
  CHECK(mode_of(dir, "a/b") == 0700);
  REQUIRE(::symlinkat("a", dir.fd(), "link") == 0);
  CHECK(make_directories(dir.fd(), "link/d"));
  CHECK(exists(dir.fd(), "a/d"));
  CHECK_THROWS_AS(open_directory(dir.fd(), "link"), Error);
  CHECK_THROWS_AS(make_directory(dir.fd(), "link"), Error);
  CHECK(!try_open_directory(dir.fd(), "absent"));
}

TEST_CASE("an existing file takes bytes in one write") {
  const TempDir dir;
  write_file_atomically(dir.fd(), "file", "abc");
  write_existing(dir.fd(), "file", "X");
  CHECK(read_file(dir.fd(), "file", 10) == "Xbc");
  CHECK_THROWS_AS(write_existing(dir.fd(), "absent", "x"), Error);
  CHECK_FALSE(exists(dir.fd(), "absent"));
}

TEST_CASE("a rename can refuse to replace") {
  const TempDir dir;
  write_file_atomically(dir.fd(), "a", "a");
  write_file_atomically(dir.fd(), "b", "b");
  CHECK_FALSE(rename_no_replace(dir.fd(), "a", dir.fd(), "b"));
  CHECK(read_file(dir.fd(), "b", 10) == "b");
  CHECK(rename_no_replace(dir.fd(), "a", dir.fd(), "c"));
  rename_replace(dir.fd(), "c", dir.fd(), "b");
  CHECK(read_file(dir.fd(), "b", 10) == "a");
  unlink_file(dir.fd(), "b");
  unlink_file(dir.fd(), "b");
  CHECK(list_directory(dir.fd(), ".").empty());
  CHECK_THROWS_AS(rename_no_replace(dir.fd(), "absent", dir.fd(), "x"), Error);
}

TEST_CASE("a listing is sorted") {
  const TempDir dir;
  for (const char* name : {"b", "a", ".hidden", "c"}) make_directory(dir.fd(), name);
  CHECK(list_directory(dir.fd(), ".") == std::vector<std::string>{".hidden", "a", "b", "c"});
}

TEST_CASE("a temporary directory is gone at the end, with what is in it") {
  std::string path;
  {
    const TempDir dir;
    path = dir.path();
    write_file_atomically(make_directories(dir.fd(), "a/b").get(), "file", "x");
    CHECK(exists(AT_FDCWD, path));
  }
  CHECK_FALSE(exists(AT_FDCWD, path));
}
