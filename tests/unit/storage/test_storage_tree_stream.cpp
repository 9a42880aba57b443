#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/tree_stream.hpp"

namespace {

using storage::StreamedEntry;

base::UniqueFd open_dir(const base::TempDir& dir) {
  return base::open_directory(AT_FDCWD, dir.path());
}

void write(int dir, const char* name, std::string_view text) {
  const base::UniqueFd fd{::openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)};
  base::write_all(fd.get(), text);
}

struct stat look(int dir, const char* name) {
  struct stat info {};
  CHECK(::fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) == 0);
  return info;
}

StreamedEntry entry(char type, const std::string& path, const std::string& link = {}) {
  return {.type = type, .path = path, .link = link, .mode = 0755, .xattrs = {}};
}

}  // namespace

TEST_CASE("an entry is the same after its way through a message") {
  StreamedEntry sent{.type = 'f', .path = "a/b", .link = "", .mode = 04755, .uid = 5, .gid = 6, .size = 7};
  sent.mtime_seconds = -3;
  sent.mtime_nanoseconds = 9;
  sent.xattrs = {{"user.x", std::string("\0y", 2)}};
  const StreamedEntry came = storage::decode_entry(storage::encode_entry(sent));
  CHECK(came.path == "a/b");
  CHECK(came.mode == 04755);
  CHECK(came.mtime_seconds == -3);
  CHECK(came.xattrs == sent.xattrs);
  CHECK_THROWS_AS(storage::decode_entry("short"), base::Error);
}

TEST_CASE("a tree arrives with its links, modes, times and holes") {
  const base::TempDir from, to;
  const base::UniqueFd source = open_dir(from), target = open_dir(to);
  REQUIRE(::mkdirat(source.get(), "d", 0750) == 0);
  write(source.get(), "d/file", "content");
  REQUIRE(::linkat(source.get(), "d/file", source.get(), "same", 0) == 0);
  REQUIRE(::symlinkat("/etc/passwd", source.get(), "link") == 0);
  REQUIRE(::mkfifoat(source.get(), "pipe", 0600) == 0);
  write(source.get(), "holes", "x");
  const base::UniqueFd holes{::openat(source.get(), "holes", O_WRONLY | O_CLOEXEC)};
  REQUIRE(::ftruncate(holes.get(), 50'000'000) == 0);

  storage::TreeReceiver receiver(target.get(), "copy", {});
  CHECK(storage::send_directory(source.get(), receiver) == 0);
  receiver.finish();
  const base::UniqueFd copy = base::open_directory(target.get(), "copy");
  CHECK(base::read_file(copy.get(), "d/file", 100) == "content");
  CHECK(look(copy.get(), "d").st_mode == (S_IFDIR | 0750));
  CHECK(look(copy.get(), "same").st_ino == look(copy.get(), "d/file").st_ino);
  CHECK(S_ISLNK(look(copy.get(), "link").st_mode));
  CHECK(S_ISFIFO(look(copy.get(), "pipe").st_mode));
  CHECK(look(copy.get(), "holes").st_size == 50'000'000);
  CHECK(look(copy.get(), "holes").st_blocks < 1000);
}

TEST_CASE("no entry is written through a link or above the directory") {
  const base::TempDir outside, inside;
  const base::UniqueFd out = open_dir(outside), in = open_dir(inside);
  REQUIRE(::symlinkat(outside.path().c_str(), in.get(), "out") == 0);
  storage::TreeReceiver receiver(in.get(), "", {});
  CHECK_THROWS_AS(receiver.put(entry('d', "../up"), -1), base::Error);
  CHECK_THROWS_AS(receiver.put(entry('l', "a/../../up", "x"), -1), base::Error);
  CHECK_THROWS_AS(receiver.put(entry('d', "out/below"), -1), base::Error);
  CHECK_THROWS_AS(receiver.put(entry('h', "hard", "out/file"), -1), base::Error);
  CHECK(base::list_directory(out.get(), ".").empty());
}

TEST_CASE("a link at the place of a file is replaced, not followed") {
  const base::TempDir outside, inside, source;
  const base::UniqueFd out = open_dir(outside), in = open_dir(inside), from = open_dir(source);
  write(out.get(), "canary", "alive");
  REQUIRE(::symlinkat((outside.path() + "/canary").c_str(), in.get(), "file") == 0);
  write(from.get(), "file", "new");
  storage::TreeReceiver receiver(in.get(), "file", {});
  storage::send_file(from.get(), "file", receiver);
  receiver.finish();
  CHECK(base::read_file(out.get(), "canary", 100) == "alive");
  CHECK(base::read_file(in.get(), "file", 100) == "new");
}

TEST_CASE("a file does not take the place of a directory unless it may") {
  const base::TempDir inside, source;
  const base::UniqueFd in = open_dir(inside), from = open_dir(source);
  REQUIRE(::mkdirat(in.get(), "name", 0755) == 0);
  write(from.get(), "file", "new");
  storage::TreeReceiver careful(in.get(), "name", {});
  CHECK_THROWS_AS(storage::send_file(from.get(), "file", careful), base::Error);
  storage::TreeReceiver bold(in.get(), "name", {.overwrite = true});
  storage::send_file(from.get(), "file", bold);
  CHECK(base::read_file(in.get(), "name", 100) == "new");
}
