#include <doctest/doctest.h>

#include "base/mount_classic.hpp"

namespace {

constexpr const char* sample =
    "22 1 0:21 / / rw,relatime - ext4 /dev/root rw\n"
    "30 22 0:26 / /a\\040b rw shared:1 - tmpfs none rw\n"
    "31 30 0:27 / /a\\040b/c\\134d rw - tmpfs none rw\n"
    "40 22 0:28 /x /other rw - tmpfs none rw\n"
    "32 31 0:29 / /a\\040b/c\\134d/e rw - tmpfs none rw\n"
    "broken line\n";

}  // namespace

TEST_CASE("lines of mountinfo give ids, parents and unescaped places") {
  const auto mounts = base::classic::parse_mountinfo(sample);
  REQUIRE(mounts.size() == 5);
  CHECK(mounts[1].id == 30);
  CHECK(mounts[1].parent == 22);
  CHECK(mounts[1].place == "/a b");
  CHECK(mounts[2].place == "/a b/c\\d");
}

TEST_CASE("a subtree is a mount and all below it, parents first") {
  const auto mounts = base::classic::parse_mountinfo(sample);
  const auto tree = base::classic::subtree_of(mounts, 30);
  REQUIRE(tree.size() == 3);
  CHECK(tree[0].id == 30);
  CHECK(tree[1].id == 31);
  CHECK(tree[2].id == 32);
  CHECK(base::classic::subtree_of(mounts, 99).empty());
}
