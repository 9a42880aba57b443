#include <doctest/doctest.h>

#include "base/error.hpp"
#include "runtime/cgroup_hierarchies.hpp"
#include "runtime/cgroup_owner.hpp"

using runtime::choose_cgroup_path;
using runtime::Hierarchies;
using runtime::parse_hierarchies;

TEST_CASE("a host with cgroup v2 alone") {
  const Hierarchies found = parse_hierarchies(
      "22 1 0:20 / / rw - ext4 /dev/sda rw\n"
      "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
      "0::/user.slice/user-1000.slice/session-3.scope\n");
  REQUIRE(found.unified);
  CHECK(found.unified->mount_point == "/sys/fs/cgroup");
  CHECK(found.unified->own_path == "/user.slice/user-1000.slice/session-3.scope");
  CHECK(found.unified->mount_id == 31);
  CHECK(found.legacy.empty());
}

TEST_CASE("a hybrid host: controllers are told from other mount options by /proc/self/cgroup") {
  const Hierarchies found = parse_hierarchies(
      "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,seclabel,cpuacct,cpu\n"
      "33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
      "34 31 0:31 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
      "35 31 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
      "3:name=systemd:/init\n2:memory:/a/b\n1:cpu,cpuacct:/c\n0::/\n");
  REQUIRE(found.legacy.size() == 3);
  CHECK(found.legacy[0].controllers == std::vector<std::string>{"cpu", "cpuacct"});
  CHECK(found.legacy[0].own_path == "/c");
  CHECK(found.legacy[1].own_path == "/a/b");
  CHECK(found.legacy[2].controllers == std::vector<std::string>{"name=systemd"});
  REQUIRE(found.unified);
  CHECK(found.unified->own_path == "/");
}

TEST_CASE("a mount that shows a part of the tree: our own path is seen from there") {
  const auto own_path = [](const char* root, const char* own) {
    const std::string line = std::string{"31 23 0:28 "} + root + " /cg rw - cgroup2 cgroup2 rw\n";
    return parse_hierarchies(line, std::string{"0::"} + own + "\n").unified->own_path;
  };
  CHECK(own_path("/docker/abc", "/docker/abc/x") == "/x");
  CHECK(own_path("/docker/abc", "/docker/abc") == "/");
  CHECK(own_path("/docker/abc", "/docker/abcd") == "/");
  CHECK(own_path("/docker/abc", "/other") == "/");
  CHECK(own_path("/../..", "/x") == "/");  // of a cgroup namespace further up
  CHECK(own_path("/", "/../sibling") == "/");
}

TEST_CASE("of several mounts of a hierarchy the one of its root is used") {
  const Hierarchies found = parse_hierarchies(
      "31 23 0:28 /part /a rw - cgroup2 cgroup2 rw\n32 23 0:28 / /b rw - cgroup2 cgroup2 rw\n"
      "33 23 0:28 / /c rw - cgroup2 cgroup2 rw\n",
      "0::/\n");
  CHECK(found.unified->mount_point == "/b");
}

TEST_CASE("names in mountinfo are unescaped, and odd lines are left out") {
  const Hierarchies found = parse_hierarchies(
      "x\n31 23\n- - - -\n31 23 0:28 / /with\\040blank rw - cgroup2 cgroup2 rw\n"
      "32 23 0:28 / /x rw - cgroup cgroup rw,unknown\n",
      "0::/\nnonsense\n");
  CHECK(found.unified->mount_point == "/with blank");
  CHECK(found.legacy.empty());
  CHECK_FALSE(parse_hierarchies("", "").unified);
}

TEST_CASE("where a container's cgroup lies") {
  CHECK(choose_cgroup_path("", "id", "") == "/id");
  CHECK(choose_cgroup_path("", "id", "/") == "/id");
  CHECK(choose_cgroup_path("/a/b", "id", "/own") == "/a/b");
  CHECK(choose_cgroup_path("a//./b/", "id", "") == "/a/b");
  CHECK(choose_cgroup_path("", "id", "/u/own.scope") == "/u/own.scope/id");
  CHECK(choose_cgroup_path("rel", "id", "/u") == "/u/rel");
}

TEST_CASE("paths that lead elsewhere are refused") {
  for (const char* bad : {"/", "..", "/a/../b", "./..", "/.", "a\nb"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(choose_cgroup_path(bad, "id", "/"), base::Error);
  }
  CHECK(choose_cgroup_path("/" + std::string(255, 'x'), "id", "/").size() == 256);
  CHECK_THROWS_AS(choose_cgroup_path("/" + std::string(256, 'x'), "id", "/"), base::Error);
  std::string deep;
  for (int at = 0; at < 1024; ++at) deep += "/x";
  CHECK(choose_cgroup_path(deep, "id", "/") == deep);
  CHECK_THROWS_AS(choose_cgroup_path(deep + "/x", "id", "/"), base::Error);
}

TEST_CASE("the container's process owns its cgroup when it may write it") {
  runtime::Spec spec;
  spec.process.user.uid = 5;
  spec.linux.namespaces = {{"cgroup", ""}, {"user", ""}};
  spec.linux.uid_mappings = {{0, 1000, 1}, {1, 100000, 65535}};
  spec.mounts = {{"/sys/fs/cgroup", "cgroup", "cgroup", {"rw", "nosuid"}, {}, {}}};
  CHECK(runtime::cgroup_owner(spec) == 100004U);
  spec.process.user.uid = 70000;
  CHECK_FALSE(runtime::cgroup_owner(spec));
  spec.linux.namespaces = {{"cgroup", ""}};
  CHECK(runtime::cgroup_owner(spec) == 70000U);
  spec.linux.namespaces = {{"cgroup", "/proc/1/ns/cgroup"}};
  CHECK_FALSE(runtime::cgroup_owner(spec));
  spec.linux.namespaces = {{"cgroup", ""}};
  spec.mounts[0].options = {"ro"};
  CHECK_FALSE(runtime::cgroup_owner(spec));
}
