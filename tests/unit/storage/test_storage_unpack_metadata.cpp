#include <doctest/doctest.h>
#include <fcntl.h>
#include <map>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "tests/unit/storage/tar_fixture.hpp"

using namespace storage;
using namespace storage::test;

namespace {

struct stat look(int dir, const char* name) {
  struct stat facts {};
  CHECK(::fstatat(dir, name, &facts, AT_SYMLINK_NOFOLLOW) == 0);
  return facts;
}

std::map<std::string, std::string> xattrs_of(int dir, const char* name) {
  const base::UniqueFd fd{::openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  std::string names(64 * 1024, '\0');
  names.resize(static_cast<std::size_t>(::flistxattr(fd.get(), names.data(), names.size())));
  std::map<std::string, std::string> found;
  for (std::size_t start = 0; start < names.size(); start = names.find('\0', start) + 1) {
    const std::string each = names.c_str() + start;
    std::string value(64 * 1024, '\0');
    value.resize(static_cast<std::size_t>(::fgetxattr(fd.get(), each.c_str(), value.data(), value.size())));
    found[each] = value;
  }
  return found;
}

const OwnerRecord& record(const Unpacked& unpacked, std::string_view path) {
  for (const OwnerRecord& each : unpacked.owners)
    if (each.path == path) return each;
  FAIL("no record of " << path);
  return unpacked.owners.front();
}

}  // namespace

TEST_CASE("modes are kept, special bits included, and nothing else of the field") {
  const Unpacked unpacked =
      unpack(TarBuilder{}
                 .dir("./", 0711)
                 .dir("t", 01777)
                 .dir("closed", 0)
                 .file("closed/f", "x", 0)
                 .dir("g", 02755)
                 .file("s", "x", 04755)
                 .add({.name = "wide", .content = "x", .patches = {{100, "0177777"}}})
                 .end()
                 .bytes(),
             {.inspect = [](int diff) {
               CHECK((look(diff, "closed").st_mode & 07777) == 0);
               CHECK(::fchmodat(diff, "closed", 0700, 0) == 0);  // so that describing works as any user
               CHECK(::fchmodat(diff, "closed/f", 0600, 0) == 0);
             }});
  CHECK(unpacked.message() == "");
  CHECK(base::join(unpacked.tree, "\n") ==
        "d 711 .\nd 700 closed\nf 600 closed/f =x\nd 2755 g\nf 4755 s =x\nd 1777 t\nf 7777 wide =x");
  CHECK(record(unpacked, "closed").mode == 0);
  CHECK(record(unpacked, "wide").mode == 07777);
}

TEST_CASE("times are kept to the nanosecond, of directories too, whatever is written into them later") {
  const Unpacked unpacked = unpack(TarBuilder{}
                                       .pax({{"mtime", "1700000000.123456789"}})
                                       .dir("d")
                                       .pax({{"mtime", "-1.5"}})
                                       .file("d/before")
                                       .pax({{"mtime", "1000000000000000000"}})
                                       .file("d/far")
                                       .pax({{"mtime", "-1000000000000000000"}})
                                       .file("d/long-ago")
                                       .symlink("l", "x")
                                       .end()
                                       .bytes(),
                                   {.inspect = [](int diff) {
                                     CHECK(look(diff, "d").st_mtim.tv_sec == 1'700'000'000);
                                     CHECK(look(diff, "d").st_mtim.tv_nsec == 123'456'789);
                                     CHECK(look(diff, "d/before").st_mtim.tv_sec == -2);
                                     CHECK(look(diff, "d/before").st_mtim.tv_nsec == 500'000'000);
                                     CHECK(look(diff, "l").st_mtim.tv_sec == 1'000'000'000);
                                     CHECK(look(diff, ".").st_mtim.tv_sec == 0);
                                   }});
  CHECK(unpacked.message() == "");
  CHECK(record(unpacked, "d").mtime_nanoseconds == 123'456'789);
  CHECK(record(unpacked, "d/far").mtime_seconds == 0x3'7fff'ffffLL);
  CHECK(record(unpacked, "d/long-ago").mtime_seconds == -(1LL << 31));
}

TEST_CASE("extended attributes: what users own is kept, what drivers or the host read is dropped") {
  const std::string capability("\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
  const Unpacked unpacked =
      unpack(TarBuilder{}
                 .pax({{"SCHILY.xattr.user.note", std::string{"a\0=\n", 4}},
                       {"SCHILY.xattr.user.overlay.opaque", "y"},
                       {"SCHILY.xattr.user.overlay.whiteout", "y"},
                       {"SCHILY.xattr.user.overlay.redirect", "/"},
                       {"SCHILY.xattr.user.fuseoverlayfs.opaque", "y"},
                       {"SCHILY.xattr.user.containers.override_stat", "0:0:4755"},
                       {"SCHILY.xattr.trusted.overlay.opaque", "y"},
                       {"SCHILY.xattr.security.selinux", "label"},
                       {"SCHILY.xattr.system.posix_acl_access", "acl"},
                       {"SCHILY.xattr.security.capability", capability}})
                 .dir("d")
                 .pax({{"SCHILY.xattr.user.note", "f"}, {"SCHILY.xattr.security.capability", capability}})
                 .file("f")
                 .pax({{"SCHILY.xattr.user.note", "l"}})
                 .symlink("l", "f")
                 .end()
                 .bytes(),
             {.inspect = [](int diff) {
               const auto of_directory = xattrs_of(diff, "d");
               CHECK(of_directory.size() == 1);
               CHECK(of_directory.at("user.note") == std::string{"a\0=\n", 4});
               CHECK(xattrs_of(diff, "f").at("user.note") == "f");
             }});
  CHECK(unpacked.message() == "");
  // Capabilities of a file are set or, without the privilege, counted; the manifest has them in any case.
  CHECK(unpacked.result.dropped_xattrs >= 10);
  CHECK(unpacked.result.dropped_xattrs <= 11);
  CHECK(record(unpacked, "f").capabilities_hex == base::to_hex(capability.data(), capability.size()));
  CHECK(record(unpacked, "d").capabilities_hex == "");
}

TEST_CASE("too many or too long extended attributes are refused") {
  std::vector<std::pair<std::string, std::string>> records;
  for (int i = 0; i < 1000; ++i) records.emplace_back(base::concat("SCHILY.xattr.user.n", i), std::string(200, 'v'));
  CHECK(unpack(TarBuilder{}.pax(records).file("f").end().bytes()).message().find("extended attributes") !=
        std::string::npos);
  CHECK(unpack(TarBuilder{}.pax({{"SCHILY.xattr.user.a", std::string(128 * 1024 + 1, 'v')}}).file("f").end().bytes())
            .message()
            .find("extended attributes") != std::string::npos);
  CHECK(unpack(TarBuilder{}.pax({{std::string{"SCHILY.xattr.user.a\0b", 21}, "v"}}).file("f").end().bytes())
            .message()
            .find("malformed") != std::string::npos);
}

TEST_CASE("the owner manifest has the true owners and the digest of every file") {
  const Unpacked unpacked = unpack(TarBuilder{}
                                       .add({.name = "f", .content = "hello", .mode = 0640, .uid = 1000, .gid = 42})
                                       .pax({{"uid", "4294967294"}, {"gid", "70000"}})
                                       .dir("d")
                                       .symlink("l", "f")
                                       .hard_link("h", "f")
                                       .end()
                                       .bytes());
  CHECK(unpacked.message() == "");
  const OwnerRecord& file = record(unpacked, "f");
  CHECK(file.type == OwnerRecord::Type::file);
  CHECK(file.uid == 1000);
  CHECK(file.gid == 42);
  CHECK(file.mode == 0640);
  CHECK(file.size_bytes == 5);
  CHECK(file.sha256_hex == base::sha256("hello").hex());
  CHECK(record(unpacked, "d").uid == 4294967294U);
  CHECK(record(unpacked, "d").gid == 70000);
  CHECK(record(unpacked, "l").link == "f");
  CHECK(record(unpacked, "h").type == OwnerRecord::Type::hard_link);
  CHECK(record(unpacked, "h").link == "f");
  CHECK(unpacked.result.entries == 4);
  CHECK(unpacked.result.unpacked_bytes == 5);
}

TEST_CASE("owners that no id can be are refused") {
  for (const char* id : {"4294967295", "4294967296", "-1", "99999999999999999999", "12x"}) {
    CAPTURE(id);
    CHECK(unpack(TarBuilder{}.pax({{"uid", id}}).file("f").end().bytes()).error.has_value());
    CHECK(unpack(TarBuilder{}.pax({{"gid", id}}).file("f").end().bytes()).error.has_value());
  }
  const std::string minus_one(8, '\xff');
  CHECK(unpack(TarBuilder{}.add({.name = "f", .patches = {{108, minus_one}}}).end().bytes())
            .message()
            .find("out of range") != std::string::npos);
  const std::string base256{"\x80\0\0\0\0\x01\x11\x70", 8};
  const Unpacked unpacked = unpack(TarBuilder{}.add({.name = "f", .patches = {{108, base256}}}).end().bytes());
  CHECK(record(unpacked, "f").uid == 70000);
}

TEST_CASE("with mapped owners each entry gets its own, and keeps its special bits") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: only root may change owners");
    return;
  }
  const auto item = [](const char* name, char type, unsigned mode, const char* link) {
    return TarItem{.name = name, .type = type, .link = link, .mode = mode, .uid = 12, .gid = 34};
  };
  const Unpacked unpacked = unpack(TarBuilder{}
                                       .add(item("d", '5', 02750, ""))
                                       .add(item("d/s", '0', 04750, ""))
                                       .add(item("l", '2', 0777, "nowhere"))
                                       .add(item("p", '6', 0600, ""))
                                       .dir("again")
                                       .add(item("again", '5', 0755, ""))
                                       .dir("again")
                                       .end()
                                       .bytes(),
                                   {.owners = OwnerPolicy::mapped, .inspect = [](int diff) {
                                      for (const char* name : {"d", "d/s", "l", "p"}) {
                                        CAPTURE(name);
                                        CHECK(look(diff, name).st_uid == 12);
                                        CHECK(look(diff, name).st_gid == 34);
                                      }
                                      CHECK(look(diff, "again").st_uid == 0);
                                      CHECK((look(diff, "d/s").st_mode & 07777) == 04750);
                                      CHECK((look(diff, "d").st_mode & 07777) == 02750);
                                    }});
  CHECK(unpacked.message() == "");
}
