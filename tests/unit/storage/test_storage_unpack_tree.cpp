#include <doctest/doctest.h>

#include "base/text.hpp"
#include "tests/unit/storage/tar_fixture.hpp"

// What archives may do to the tree. Each row is one attack or oddity of SECURITY-AND-DESIGN A.4.

using namespace storage;
using namespace storage::test;

namespace {

struct Case {
  std::string what;
  TarBuilder archive;
  std::vector<std::string> tree;  ///< Without the root.
};

struct RefusedCase {
  std::string what;
  TarBuilder archive;
  const char* message;  ///< Part of it.
};

void check_trees(std::vector<Case> cases) {
  for (Case& row : cases) {
    CAPTURE(row.what);
    const Unpacked unpacked = unpack(row.archive.end().bytes());
    CHECK(unpacked.message() == "");
    CHECK(unpacked.canary_intact);
    row.tree.insert(row.tree.begin(), unpacked.tree.empty() ? "" : unpacked.tree[0]);
    CHECK(base::join(unpacked.tree, "\n") == base::join(row.tree, "\n"));
  }
}

void check_refused(std::vector<RefusedCase> cases) {
  for (RefusedCase& row : cases) {
    CAPTURE(row.what);
    const Unpacked unpacked = unpack(row.archive.end().bytes());
    CAPTURE(unpacked.message());
    CHECK(unpacked.error.has_value());
    CHECK(unpacked.message().find(row.message) != std::string::npos);
    CHECK(unpacked.canary_intact);
  }
}

std::string deep_path(std::size_t depth) {
  std::string path;
  for (std::size_t i = 0; i < depth; ++i) path += "d/";
  return path + "f";
}

TarBuilder symlink_chain(int length) {
  TarBuilder archive;
  archive.symlink("l0", "../canary");
  for (int i = 1; i < length; ++i) archive.symlink(base::concat("l", i), base::concat("l", i - 1));
  return archive;
}

}  // namespace

TEST_CASE("paths of an archive stay below the layer's root") {
  check_trees({
      {"a leading slash means nothing", TarBuilder{}.file("/abs"), {"f 644 abs =x"}},
      {"several slashes", TarBuilder{}.file("//a///b"), {"d 755 a", "f 644 a/b =x"}},
      {"dots", TarBuilder{}.dir("./").file("././a/./b"), {"d 755 a", "f 644 a/b =x"}},
      {"a slash behind an empty file makes it a directory", TarBuilder{}.file("a/", "", 0700), {"d 700 a"}},
      {"a component of 255 bytes",
       TarBuilder{}.pax({{"path", std::string(255, 'n')}}).file("short"),
       {"f 644 " + std::string(255, 'n') + " =x"}},
      {"bytes are bytes", TarBuilder{}.file("\xff\xfe\x01"), {"f 644 \xff\xfe\x01 =x"}},
      {"a name that only looks like a parent",
       TarBuilder{}.file("..a").file("...").file("a.."),
       {"f 644 ... =x", "f 644 ..a =x", "f 644 a.. =x"}},
      {"an entry without its parents", TarBuilder{}.file("a/b/c"), {"d 755 a", "d 755 a/b", "f 644 a/b/c =x"}},
  });
  check_refused({
      {"upwards", TarBuilder{}.file("../x"), "leads upwards"},
      {"upwards in the middle", TarBuilder{}.dir("a").file("a/../../x"), "leads upwards"},
      {"upwards and down again", TarBuilder{}.file("a/../b"), "leads upwards"},
      {"upwards after a slash", TarBuilder{}.file("/../x"), "leads upwards"},
      {"upwards as a directory", TarBuilder{}.dir(".."), "leads upwards"},
      {"the root as a file", TarBuilder{}.file("."), "replaces the root"},
      {"the root as a symbolic link", TarBuilder{}.symlink(".", "/canary"), "replaces the root"},
      {"the root by a slash as a symbolic link", TarBuilder{}.symlink("/", "/canary"), "replaces the root"},
      {"the root as a hard link", TarBuilder{}.file("a").hard_link("./", "a"), "replaces the root"},
      {"an empty name", TarBuilder{}.file(""), "replaces the root"},
      {"a slash behind a file with content", TarBuilder{}.file("a/", "content"), "named like a directory"},
      {"a component of 256 bytes", TarBuilder{}.pax({{"path", std::string(256, 'n')}}).file("short"), "255 bytes"},
      {"a path of more than 4096 bytes", TarBuilder{}.pax({{"path", deep_path(2100)}}).file("short"), "too long"},
      {"a NUL in a path", TarBuilder{}.pax({{"path", std::string{"a\0b", 3}}}).file("short"), "malformed"},
  });
}

TEST_CASE("no path leads through a link that the archive made") {
  check_trees({
      {"a file below a link out of the layer",
       TarBuilder{}.symlink("d", "../..").file("d/f"),
       {"d 755 d", "f 644 d/f =x"}},
      {"a file below an absolute link",
       TarBuilder{}.symlink("d", "/etc").file("d/passwd"),
       {"d 755 d", "f 644 d/passwd =x"}},
      {"a link to its own directory", TarBuilder{}.symlink("d", ".").file("d/f"), {"d 755 d", "f 644 d/f =x"}},
      {"a link to itself", TarBuilder{}.symlink("d", "d").file("d/f"), {"d 755 d", "f 644 d/f =x"}},
      {"a link after the directory was opened",
       TarBuilder{}.file("d/f").symlink("d", "../..").file("d/g"),
       {"d 755 d", "f 644 d/g =x"}},
      {"a file below a file", TarBuilder{}.file("a").file("a/b"), {"d 755 a", "f 644 a/b =x"}},
      {"a link inside a path",
       TarBuilder{}.dir("a").symlink("a/b", "../../..").file("a/b/c/d"),
       {"d 755 a", "d 755 a/b", "d 755 a/b/c", "f 644 a/b/c/d =x"}},
      {"writing over a link", TarBuilder{}.symlink("l", "../canary").file("l", "mine"), {"f 644 l =mine"}},
      {"a directory over a link",
       TarBuilder{}.symlink("l", "../..").dir("l", 0700).file("l/f"),
       {"d 700 l", "f 644 l/f =x"}},
      {"a link is kept as it is",
       TarBuilder{}.symlink("l", "../../../../etc/passwd"),
       {"l l -> ../../../../etc/passwd"}},
  });
  Unpacked chain = unpack(symlink_chain(41).file("l40/f").end().bytes());
  CHECK(chain.message() == "");
  CHECK(chain.tree.back() == "l l9 -> l8");
  CHECK(chain.canary_intact);
  check_refused({
      {"a link to nothing", TarBuilder{}.symlink("l", ""), "no valid target"},
      {"a link of more than PATH_MAX", TarBuilder{}.pax({{"linkpath", std::string(4096, 'a')}}).symlink("l", "short"),
       "no valid target"},
  });
}

TEST_CASE("the last entry of a name wins") {
  check_trees({
      {"file, file", TarBuilder{}.file("a", "1").file("a", "2"), {"f 644 a =2"}},
      {"file, directory", TarBuilder{}.file("a").dir("a", 0750), {"d 750 a"}},
      {"directory with content, file", TarBuilder{}.dir("a").file("a/b").file("a", "2"), {"f 644 a =2"}},
      {"file, directory, symbolic link", TarBuilder{}.file("a").dir("a").file("a/b").symlink("a", "t"), {"l a -> t"}},
      {"directory, directory: content stays",
       TarBuilder{}.dir("a").file("a/b").dir("a", 0711),
       {"d 711 a", "f 644 a/b =x"}},
      {"deep tree, file, and again",
       TarBuilder{}.file("a/b/c/d").file("a").file("a/b/e"),
       {"d 755 a", "d 755 a/b", "f 644 a/b/e =x"}},
      {"a directory that a neighbour's name begins with",
       TarBuilder{}.file("a/f").file("a.b/g").file("a", "2"),
       {"f 644 a =2", "d 755 a.b", "f 644 a.b/g =x"}},
      {"fifo over file", TarBuilder{}.file("a").add({.name = "a", .type = '6', .mode = 0640}), {"p 640 a"}},
  });
}

TEST_CASE("hard links join what this layer has, and nothing else") {
  check_trees({
      {"to a file", TarBuilder{}.file("a", "1").hard_link("b", "a"), {"f 644 a =1", "f 644 b =1"}},
      {"to a file, with slashes",
       TarBuilder{}.file("d/a", "1").hard_link("e/b", "/./d//a"),
       {"d 755 d", "f 644 d/a =1", "d 755 e", "f 644 e/b =1"}},
      {"to a symbolic link: the link itself",
       TarBuilder{}.symlink("s", "../canary").hard_link("b", "s"),
       {"l b -> ../canary", "l s -> ../canary"}},
      {"to itself", TarBuilder{}.file("a", "1").hard_link("a", "a"), {"f 644 a =1"}},
      {"over another file",
       TarBuilder{}.file("a", "1").file("b", "2").hard_link("b", "a"),
       {"f 644 a =1", "f 644 b =1"}},
      {"with a size, which means nothing",
       TarBuilder{}.file("a", "1").add({.name = "b", .type = '1', .link = "a", .size = 5000}).file("c"),
       {"f 644 a =1", "f 644 b =1", "f 644 c =x"}},
      {"to a skipped device", TarBuilder{}.device("n", '3', "1", "3").hard_link("m", "n"), {}},
  });
  check_refused({
      {"out of the layer", TarBuilder{}.hard_link("a", "../canary"), "leads upwards"},
      {"out of the layer through a link", TarBuilder{}.symlink("d", "../..").hard_link("a", "d/canary"),
       "not in this layer"},
      {"out of the layer by an absolute path", TarBuilder{}.hard_link("a", "/etc/passwd"), "not in this layer"},
      {"to nothing", TarBuilder{}.hard_link("a", "missing"), "not in this layer"},
      {"to a directory", TarBuilder{}.dir("d").hard_link("a", "d"), "neither a file"},
      {"to the root", TarBuilder{}.hard_link("a", "."), "not in this layer"},
      {"to a later entry", TarBuilder{}.hard_link("a", "b").file("b"), "not in this layer"},
      {"to a whiteout", TarBuilder{}.file(".wh.b", "").hard_link("a", "b"), "neither a file"},
      {"to a whiteout by its name", TarBuilder{}.file(".wh.b", "").hard_link("a", ".wh.b"), "not in this layer"},
      {"to a file that it replaces", TarBuilder{}.file("d/f").hard_link("d", "d/f"), "above its target"},
      {"through a file", TarBuilder{}.file("f").hard_link("f/a", "f"), "neither a file"},
  });
}

TEST_CASE("device files are left out, and the overlay's own device is refused") {
  Unpacked unpacked = unpack(TarBuilder{}
                                 .device("null", '3', "0000001", "0000003")
                                 .device("sda", '4', "0000010", "0000000")
                                 .device("zero", '4', "0000000", "0000000")
                                 .add({.name = "fifo", .type = '6', .mode = 0622})
                                 .end()
                                 .bytes());
  CHECK(unpacked.message() == "");
  CHECK(unpacked.result.skipped_devices == 3);
  CHECK(base::join(unpacked.tree, "\n") == "d 755 .\np 622 fifo");
  check_refused({
      {"a whiteout device", TarBuilder{}.device("a", '3', "0000000", "0000000"), "whiteout device"},
      {"a whiteout device by empty fields", TarBuilder{}.device("a", '3', "", ""), "whiteout device"},
      {"an unknown type", TarBuilder{}.add({.name = "a", .type = 'Z'}), "unknown type"},
      {"a socket of some archivers", TarBuilder{}.add({.name = "a", .type = 's'}), "unknown type"},
  });
}
