#include <algorithm>
#include <doctest/doctest.h>
#include <linux/magic.h>

#include "base/fs.hpp"
#include "storage/place.hpp"

using storage::explain_place;
using storage::PlaceFacts;

namespace {

bool mentions(const PlaceFacts& facts, std::string_view text) {
  const auto lines = explain_place(facts);
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("a good place has nothing to explain") {
  CHECK(explain_place({.magic = EXT4_SUPER_MAGIC}).empty());
  CHECK(explain_place({.magic = TMPFS_MAGIC}).empty());
}

TEST_CASE("each thing that a place lacks is one line") {
  CHECK(mentions({.magic = NFS_SUPER_MAGIC}, "nfs"));
  CHECK(mentions({.magic = NFS_SUPER_MAGIC}, "--root"));
  CHECK(mentions({.magic = 0xff534d42}, "cifs"));
  CHECK(mentions({.magic = OVERLAYFS_SUPER_MAGIC}, "overlay"));
  CHECK(mentions({.magic = MSDOS_SUPER_MAGIC, .has_user_xattrs = false}, "owners"));
  CHECK(mentions({.magic = EXT4_SUPER_MAGIC, .is_read_only = true}, "read-only"));
  CHECK(mentions({.magic = EXT4_SUPER_MAGIC, .has_user_xattrs = false}, "extended attributes"));
  CHECK(mentions({.magic = EXT4_SUPER_MAGIC, .has_exchange = false}, "RENAME_EXCHANGE"));
  CHECK(mentions({.magic = EXT4_SUPER_MAGIC, .has_no_replace = false}, "RENAME_NOREPLACE"));
  CHECK(explain_place({.magic = MSDOS_SUPER_MAGIC, .has_user_xattrs = false}).size() == 1);
}

TEST_CASE("file systems have names, and unknown ones a number") {
  CHECK(storage::file_system_name(NFS_SUPER_MAGIC) == "nfs");
  CHECK(storage::file_system_name(0xabc1) == "0xabc1");
  CHECK(storage::file_system_name(0) == "0x0");
}

TEST_CASE("probing leaves nothing behind") {
  const base::TempDir folder;
  const storage::PlaceFacts facts = storage::probe_place(folder.fd());
  CHECK(facts.magic != 0);
  CHECK_FALSE(facts.is_read_only);
  CHECK(base::list_directory(folder.fd(), ".").empty());
}
