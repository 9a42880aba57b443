#include <doctest/doctest.h>
#include <fcntl.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "registry/tar_index.hpp"
#include "small_tar.hpp"

using registry::TarIndex;
using registry_test::SmallTar;

namespace {

std::shared_ptr<const base::UniqueFd> file_with(const base::TempDir& dir, std::string_view bytes) {
  base::write_file_atomically(dir.fd(), "x.tar", bytes, base::Durability::volatile_);
  return std::make_shared<const base::UniqueFd>(::openat(dir.fd(), "x.tar", O_RDONLY | O_CLOEXEC));
}

/// Content of a name, or "absent".
std::string content(const TarIndex& index, const char* name) {
  const auto range = index.find(name);
  return range ? registry::read_range(*range, 1000, name) : "absent";
}

std::string failure_of(std::string_view bytes) {
  const base::TempDir dir;
  try {
    TarIndex::read(file_with(dir, bytes), "x.tar");
  } catch (const base::Error& error) {
    return error.message();
  }
  return {};
}

}  // namespace

TEST_CASE("files of a tar are found under their plain names") {
  const base::TempDir dir;
  const std::string long_name = std::string(120, 'n') + "/f";
  SmallTar tar;
  tar.directory("d/").file("a", "one").file("./d/b", "two").file("a", "later").file("/abs", "three");
  tar.pax("path", long_name).file("short", "four");
  tar.entry("././@LongLink", 'L', "", long_name + "2" + std::string(1, '\0')).file("short2", "five");
  const TarIndex index = TarIndex::read(file_with(dir, tar.bytes()), "x.tar");
  CHECK(content(index, "a") == "later");
  CHECK(content(index, "d/b") == "two");
  CHECK(content(index, "./d//b") == "two");
  CHECK(content(index, "abs") == "three");
  CHECK(content(index, long_name.c_str()) == "four");
  CHECK(content(index, (long_name + "2").c_str()) == "five");
  CHECK(content(index, "short") == "absent");
  CHECK(content(index, "d") == "absent");
}

TEST_CASE("links lead to files inside the archive and never out of it") {
  const base::TempDir dir;
  SmallTar tar;
  tar.file("one/layer.tar", "layer")
      .symbolic_link("two/layer.tar", "../one/layer.tar")
      .hard_link("hard", "one/layer.tar");
  tar.symbolic_link("out", "../../etc/passwd")
      .symbolic_link("abs", "/etc/passwd")
      .symbolic_link("three", "two/layer.tar");
  tar.symbolic_link("loop-a", "loop-b").symbolic_link("loop-b", "loop-a");
  const TarIndex index = TarIndex::read(file_with(dir, tar.bytes()), "x.tar");
  CHECK(content(index, "two/layer.tar") == "layer");
  CHECK(content(index, "hard") == "layer");
  CHECK(content(index, "three") == "layer");
  for (const char* name : {"out", "abs", "loop-a", "../one/layer.tar"}) {
    CAPTURE(name);
    CHECK(content(index, name) == "absent");
  }
}

TEST_CASE("a size in a pax header replaces that of the header") {
  const base::TempDir dir;
  SmallTar tar;
  tar.pax("size", "3").entry("a", '0', "", "abc", 0).file("b", "two");
  const TarIndex index = TarIndex::read(file_with(dir, tar.bytes()), "x.tar");
  CHECK(content(index, "a") == "abc");
  CHECK(content(index, "b") == "two");
}

TEST_CASE("names are made plain, and those that leave the root are none") {
  CHECK(registry::normal_tar_name("./a//b/../c") == "a/c");
  CHECK(registry::normal_tar_name("/a/") == "a");
  for (const char* bad : {"", ".", "/", "..", "a/../..", "../a"}) {
    CAPTURE(bad);
    CHECK_FALSE(registry::normal_tar_name(bad));
  }
}

TEST_CASE("what is no whole tar is refused") {
  SmallTar tar;
  tar.file("a", std::string(600, 'x'));
  const std::string good = tar.bytes();
  std::string flipped = good;
  flipped[3] = 'Y';
  CHECK(failure_of(good).empty());
  CHECK(failure_of(flipped).find("not a tar") != std::string::npos);
  CHECK(failure_of(good.substr(0, 700)).find("cut off") != std::string::npos);
  CHECK(failure_of(good.substr(0, 300)).find("cut off") != std::string::npos);
  CHECK(failure_of(std::string(1024, '\0')).find("empty") != std::string::npos);
  CHECK(failure_of("").find("empty") != std::string::npos);
  CHECK(failure_of(SmallTar{}.entry("a", '0', "", "", 0x1ffffffffLL).bytes()).find("cut off") != std::string::npos);
  CHECK(failure_of(SmallTar{}.entry("x", 'x', "", "99 path=a\n").file("a", "").bytes()).find("pax") !=
        std::string::npos);
  CHECK(failure_of(SmallTar{}.entry("x", 'x', "", "nonsense").file("a", "").bytes()).find("pax") != std::string::npos);
  CHECK(failure_of(SmallTar{}.pax("size", "-1").file("a", "").bytes()).find("pax") != std::string::npos);
  CHECK(failure_of(SmallTar{}.file("a", "").entry("s", 'S', "", "").bytes()).find("sparse") != std::string::npos);
  CHECK(failure_of(SmallTar{}.entry("x", 'x', "", std::string(registry::max_tar_extension_bytes + 1, 'x')).bytes())
            .find("too long") != std::string::npos);
}
