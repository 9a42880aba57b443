#include <doctest/doctest.h>

#include "base/text.hpp"
#include "tests/unit/storage/tar_fixture.hpp"

using namespace storage;
using namespace storage::test;

namespace {

struct Case {
  std::string what;
  TarBuilder archive;
  std::string tree;
};

}  // namespace

TEST_CASE("whiteouts of the image become those of the overlay") {
  for (Case& row : std::vector<Case>{
           {"a file", TarBuilder{}.file("d/.wh.gone", ""), "d 755 .\nd 755 d\nw d/gone"},
           {"in the root", TarBuilder{}.file(".wh.gone", ""), "d 755 .\nw gone"},
           {"with content, which means nothing", TarBuilder{}.file(".wh.a", "content").file("b"),
            "d 755 .\nw a\nf 644 b =x"},
           {"as a directory or link: the name counts", TarBuilder{}.dir(".wh.a").symlink(".wh.b", "/"),
            "d 755 .\nw a\nw b"},
           {"of a name with dots", TarBuilder{}.file(".wh....", ""), "d 755 .\nw ..."},
           {"another case is another name", TarBuilder{}.file(".WH.a", ""), "d 755 .\nf 644 .WH.a ="},
           {"twice", TarBuilder{}.file(".wh.a", "").file(".wh.a", ""), "d 755 .\nw a"},
           {"before a file of that name", TarBuilder{}.file(".wh.a", "").file("a"), "d 755 .\nf 644 a =x"},
           {"after a file of that name", TarBuilder{}.file("a").file(".wh.a", ""), "d 755 .\nf 644 a =x"},
           {"before a directory: nothing below shines through", TarBuilder{}.file(".wh.a", "").dir("a", 0700),
            "d 755 .\no 700 a"},
           {"after a directory", TarBuilder{}.dir("a", 0700).file("a/f").file(".wh.a", ""),
            "d 755 .\no 700 a\nf 644 a/f =x"},
           {"before a directory without an entry", TarBuilder{}.file(".wh.a", "").file("a/f"),
            "d 755 .\no 755 a\nf 644 a/f =x"},
           {"below a link: not followed", TarBuilder{}.symlink("l", "../..").file("l/.wh.canary", ""),
            "d 755 .\nd 755 l\nw l/canary"},
           {"opaque", TarBuilder{}.dir("a", 0700).file("a/.wh..wh..opq", ""), "d 755 .\no 700 a"},
           {"opaque after its siblings, which stay", TarBuilder{}.file("a/f").file("a/.wh..wh..opq", ""),
            "d 755 .\no 755 a\nf 644 a/f =x"},
           {"opaque before anything else", TarBuilder{}.file("a/.wh..wh..opq", "").dir("a", 0711).file("a/f"),
            "d 755 .\no 711 a\nf 644 a/f =x"},
           {"opaque as a link with content", TarBuilder{}.add({.name = "a/.wh..wh..opq", .type = '2', .link = "/etc"}),
            "d 755 .\no 755 a"},
           {"opaque in a link: not followed", TarBuilder{}.symlink("l", "../..").file("l/.wh..wh..opq", ""),
            "d 755 .\no 755 l"},
           {"opaque root", TarBuilder{}.file(".wh..wh..opq", "").file("f"), "o 755 .\nf 644 f =x"},
           {"what aufs kept for itself", TarBuilder{}.dir(".wh..wh.plnk").file(".wh..wh.plnk/1.2").file(".wh..wh.aufs"),
            "d 755 ."},
       }) {
    CAPTURE(row.what);
    const Unpacked unpacked = unpack(row.archive.end().bytes());
    CHECK(unpacked.message() == "");
    CHECK(base::join(unpacked.tree, "\n") == row.tree);
    CHECK(unpacked.canary_intact);
  }
}

TEST_CASE("whiteouts of nothing, or with something below, are refused") {
  for (const char* name : {".wh.", "a/.wh.", ".wh./", ".wh..", ".wh...", ".wh.a/b", ".wh../b", "a/.wh.../b"}) {
    CAPTURE(name);
    const Unpacked unpacked = unpack(TarBuilder{}.file(name, "").end().bytes());
    CHECK(unpacked.error.has_value());
    CHECK(unpacked.message().find("whiteout") != std::string::npos);
    CHECK(unpacked.canary_intact);
  }
}

TEST_CASE("the owner manifest tells whiteouts and opaque directories") {
  const Unpacked unpacked =
      unpack(TarBuilder{}.file("d/.wh.gone", "").file("d/.wh..wh..opq", "").file(".wh..wh..opq", "").end().bytes());
  REQUIRE(unpacked.owners.size() == 4);
  CHECK(unpacked.owners[0] == OwnerRecord{.type = OwnerRecord::Type::directory, .path = "d", .mode = 0755});
  CHECK(unpacked.owners[1] == OwnerRecord{.type = OwnerRecord::Type::whiteout, .path = "d/gone"});
  CHECK(unpacked.owners[2] == OwnerRecord{.type = OwnerRecord::Type::opaque, .path = "d"});
  CHECK(unpacked.owners[3] == OwnerRecord{.type = OwnerRecord::Type::opaque, .path = "."});
}
