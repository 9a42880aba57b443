#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "tests/unit/storage/tar_fixture.hpp"

// The dialects of tar, and archives that are broken.

using namespace storage;
using namespace storage::test;

namespace {

const std::string gnu_magic{"ustar  \0", 8};

std::string tree_of(const Unpacked& unpacked) {
  return unpacked.error ? "error: " + unpacked.message() : base::join(unpacked.tree, "\n");
}

std::string sparse_file(std::string_view content, std::size_t hole, std::string_view end) {
  return base::concat(content, std::string(hole, '\0'), end);
}

}  // namespace

TEST_CASE("each dialect's way of saying a name is understood") {
  const std::string long_name = "dir/" + std::string(150, 'n');
  struct Case {
    std::string what;
    TarBuilder archive;
    std::string tree;
  };
  for (Case& row : std::vector<Case>{
           {"ustar prefix", TarBuilder{}.add({.name = "name", .content = "x", .patches = {{345, "pre/fix"}}}),
            "d 755 .\nd 755 pre\nd 755 pre/fix\nf 644 pre/fix/name =x"},
           {"v7, where that field means nothing",
            TarBuilder{}.add({.name = "name",
            .type = '\0',
            .content = "x",
            .patches = {{257, std::string(8, '\0')}, {345, "prefix"}}}),
            "d 755 .\nf 644 name =x"},
           {"gnu, where it holds times",
            TarBuilder{}.add({.name = "name", .content = "x", .patches = {{257, gnu_magic}, {345, "00000000000"}}}),
            "d 755 .\nf 644 name =x"},
           {"star, whose prefix is shorter",
            TarBuilder{}.add({.name = "name",
            .content = "x",
            .patches = {{345, "pre"}, {476, "12345670123 "}, {508, std::string{"tar\0", 4}}}}),
            "d 755 .\nd 755 pre\nf 644 pre/name =x"},
           {"gnu long name",
            TarBuilder{}.add({.name = "././@LongLink", .type = 'L', .content = long_name + '\0'}).file("cut"),
            "d 755 .\nd 755 dir\nf 644 " + long_name + " =x"},
           {"gnu long link",
            TarBuilder{}.add({.name = "././@LongLink", .type = 'K', .content = long_name + '\0'}).symlink("l", "cut"),
            "d 755 .\nl l -> " + long_name},
           {"pax path over everything",
            TarBuilder{}.add({.name = "x", .type = 'L', .content = "gnu"}).pax({{"path", "pax"}}).file("ustar"),
            "d 755 .\nf 644 pax =x"},
           {"pax linkpath", TarBuilder{}.pax({{"linkpath", long_name}}).symlink("l", "cut"),
            "d 755 .\nl l -> " + long_name},
           {"pax size", TarBuilder{}.pax({{"size", "3"}}).add({.name = "f", .content = "abc", .size = 0}).file("g"),
            "d 755 .\nf 644 f =abc\nf 644 g =x"},
           {"a global header means nothing", TarBuilder{}.pax({{"path", "global"}, {"comment", "c"}}, 'g').file("f"),
            "d 755 .\nf 644 f =x"},
           {"a volume label", TarBuilder{}.add({.name = "label", .type = 'V'}).file("f"), "d 755 .\nf 644 f =x"},
           {"a contiguous file", TarBuilder{}.add({.name = "f", .type = '7', .content = "c"}), "d 755 .\nf 644 f =c"},
           {"unknown pax records", TarBuilder{}.pax({{"VENDOR.x", "y"}, {"atime", "never"}}).file("f"),
            "d 755 .\nf 644 f =x"},
       }) {
    CAPTURE(row.what);
    CHECK(tree_of(unpack(row.archive.end().bytes())) == row.tree);
  }
}

TEST_CASE("an archive may end in several ways") {
  const std::string whole = TarBuilder{}.file("f").bytes();
  const std::string zero(512, '\0');
  for (const std::string& end : {std::string{}, zero, zero + zero, zero + zero + zero, zero + zero + "garbage",
                                 zero + zero + TarBuilder{}.file("hidden").bytes()}) {
    CAPTURE(end.size());
    CHECK(tree_of(unpack(whole + end)) == "d 755 .\nf 644 f =x");
  }
  CHECK(tree_of(unpack("")) == "d 755 .");
}

TEST_CASE("bytes after the end count for the diff id") {
  const std::string archive = TarBuilder{}.file("f").end().bytes();
  CHECK(unpack(archive + "more", {.diff_id = base::sha256(archive + "more")}).message() == "");
  const Unpacked wrong = unpack(archive + "more", {.diff_id = base::sha256(archive)});
  CHECK(wrong.message().find("digest") != std::string::npos);
  CHECK(wrong.error->kind() == base::ErrorKind::corrupt);
  CHECK(unpack(archive, {.diff_id = base::sha256("other")}).error.has_value());
}

TEST_CASE("broken archives are refused") {
  struct Case {
    std::string what;
    std::string archive;
    const char* message;
  };
  const std::string file = TarBuilder{}.file("f").bytes();
  for (const Case& row : std::vector<Case>{
           {"a wrong checksum", TarBuilder{}.add({.name = "f", .bad_checksum = true}).end().bytes(), "checksum"},
           {"no tar at all", std::string(2048, 'A'), "checksum"},
           {"a lone zero block inside", file + std::string(512, '\0') + file, "zero block"},
           {"an incomplete header", file + file.substr(0, 100), "middle of a block"},
           {"content that ends early", TarBuilder{}.add({.name = "f", .content = "abc", .size = 5000}).bytes(),
            "middle of a file"},
           {"a size that ends early, skipped", TarBuilder{}.add({.name = ".wh..wh.x", .size = 1ULL << 32}).bytes(),
            "middle of a file"},
           {"a negative size",
            TarBuilder{}.add({.name = "f", .patches = {{124, std::string(12, '\xff')}}}).end().bytes(), "negative"},
           {"a size of more than 63 bits",
            TarBuilder{}.add({.name = "f", .patches = {{124, "\x80" + std::string(11, '\xff')}}}).end().bytes(),
            "not a number"},
           {"a size that is no number",
            TarBuilder{}.add({.name = "f", .patches = {{124, "12x45678901"}}}).end().bytes(), "not a number"},
           {"a mode that is no number", TarBuilder{}.add({.name = "f", .patches = {{100, "rwxr-xr"}}}).end().bytes(),
            "not a number"},
           {"a time that is no number", TarBuilder{}.add({.name = "f", .patches = {{136, "9"}}}).end().bytes(),
            "not a number"},
           {"an extension header at the end", TarBuilder{}.pax({{"path", "p"}}).end().bytes(),
            "after an extension header"},
           {"a pax length of nothing",
            TarBuilder{}.add({.name = "x", .type = 'x', .content = "0 a=b\n"}).file("f").end().bytes(), "malformed"},
           {"a pax length beyond the end",
            TarBuilder{}.add({.name = "x", .type = 'x', .content = "99 a=b\n"}).file("f").end().bytes(), "malformed"},
           {"a pax record without an end",
            TarBuilder{}.add({.name = "x", .type = 'x', .content = "6 a=bc"}).file("f").end().bytes(), "malformed"},
           {"a pax record without a key",
            TarBuilder{}.add({.name = "x", .type = 'x', .content = "5 =b\n"}).file("f").end().bytes(), "malformed"},
           {"a pax size below zero", TarBuilder{}.pax({{"size", "-1"}}).file("f").end().bytes(), "malformed"},
           {"a pax time in words", TarBuilder{}.pax({{"mtime", "1e18"}}).file("f").end().bytes(), "malformed"},
           {"a long name of 2 MiB",
            TarBuilder{}.add({.name = "x", .type = 'L', .content = std::string(2 << 20, 'n')}).file("f").end().bytes(),
            "too long"},
           {"a pax header of 1 GiB", TarBuilder{}.add({.name = "x", .type = 'x', .size = 1 << 30}).bytes(), "too long"},
       }) {
    CAPTURE(row.what);
    const Unpacked unpacked = unpack(row.archive);
    CAPTURE(unpacked.message());
    CHECK(unpacked.error.has_value());
    CHECK(unpacked.message().find(row.message) != std::string::npos);
    CHECK(unpacked.canary_intact);
  }
}

TEST_CASE("headers without end are refused") {
  TarBuilder chain;
  for (int i = 0; i < 40; ++i) chain.add({.name = "x", .type = 'L', .content = "name"});
  CHECK(unpack(chain.file("f").end().bytes()).message().find("too many extension headers") != std::string::npos);
  std::vector<std::pair<std::string, std::string>> records(5000, {"comment", "c"});
  CHECK(unpack(TarBuilder{}.pax(records).file("f").end().bytes()).message().find("more than 4096 records") !=
        std::string::npos);
}

TEST_CASE("sparse files of all formats get their holes") {
  const std::string expected = sparse_file("abcd", 1'000'000, "efgh");
  const std::string total = std::to_string(expected.size()), last = std::to_string(expected.size() - 4);
  // Old GNU: (offset, size) pairs at 386, in octal; real size at 483.
  const auto octal = [](std::size_t number) {
    char text[13];
    std::snprintf(text, sizeof text, "%011zo", number);
    return std::string{text};
  };
  const TarItem old_gnu{.name = "s",
                        .type = 'S',
                        .content = "abcdefgh",
                        .patches = {{257, gnu_magic},
                                    {386, octal(0)},
                                    {398, octal(4)},
                                    {410, octal(expected.size() - 4)},
                                    {422, octal(4)},
                                    {483, octal(expected.size())}}};
  const std::string map = base::concat("2\n0\n4\n", last, "\n4\n");
  for (const TarBuilder& archive :
       {TarBuilder{}.add(old_gnu),
        TarBuilder{}
            .pax({{"GNU.sparse.size", total},
                  {"GNU.sparse.numblocks", "2"},
                  {"GNU.sparse.offset", "0"},
                  {"GNU.sparse.numbytes", "4"},
                  {"GNU.sparse.offset", last},
                  {"GNU.sparse.numbytes", "4"}})
            .file("s", "abcdefgh"),
        TarBuilder{}
            .pax({{"GNU.sparse.size", total},
                  {"GNU.sparse.name", "s"},
                  {"GNU.sparse.map", base::concat("0,4,", last, ",4")}})
            .file("GNUSparseFile.0/s", "abcdefgh"),
        TarBuilder{}
            .pax({{"GNU.sparse.major", "1"},
                  {"GNU.sparse.minor", "0"},
                  {"GNU.sparse.name", "s"},
                  {"GNU.sparse.realsize", total}})
            .file("GNUSparseFile.0/s", map + std::string(512 - map.size(), '\0') + "abcdefgh")}) {
    const Unpacked unpacked = unpack(TarBuilder{archive}.file("next").end().bytes(), {.inspect = [](int diff) {
                                       struct stat facts {};
                                       CHECK(::fstatat(diff, "s", &facts, 0) == 0);
                                       CHECK(facts.st_blocks * 512 < 100'000);
                                     }});
    CHECK(unpacked.message() == "");
    REQUIRE(unpacked.owners.size() == 2);
    CHECK(unpacked.owners[0].size_bytes == expected.size());
    CHECK(unpacked.owners[0].sha256_hex == base::sha256(expected).hex());
    CHECK(unpacked.tree[2] == "f 644 s =" + expected);
  }
}

TEST_CASE("maps of sparse files that cannot be are refused") {
  for (const char* map : {"0,4,2,4", "4,4,0,4", "0,4,9999999,4", "0,4", "0,4,100,5", "0,4,100", "0,-4", "a,b",
                          "9223372036854775807,9223372036854775807", "0,8,8"}) {
    CAPTURE(map);
    const Unpacked unpacked = unpack(
        TarBuilder{}.pax({{"GNU.sparse.size", "1000"}, {"GNU.sparse.map", map}}).file("s", "abcdefgh").end().bytes());
    CHECK(unpacked.error.has_value());
    CHECK(unpacked.canary_intact);
  }
  CHECK(unpack(TarBuilder{}
                   .pax({{"GNU.sparse.size", "9223372036854775807"}, {"GNU.sparse.map", "0,8"}})
                   .file("s", "abcdefgh")
                   .end()
                   .bytes())
            .message()
            .find("unpacks to more") != std::string::npos);
}
