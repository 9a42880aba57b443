#include <algorithm>
#include <doctest/doctest.h>

#include "engine/external_runtime_spec.hpp"

using engine::external_obstacle;
using engine::external_spec;
using engine::ExternalPlace;

namespace {

const rootless::IdMap default_map{.uids = {{0, 1000, 1}, {1, 100000, 65536}},
                                  .gids = {{0, 1000, 1}, {1, 100000, 65536}}};

runtime::Spec spec_with(std::vector<runtime::Namespace> namespaces) {
  runtime::Spec spec;
  spec.process.args = {"true"};
  spec.linux.namespaces = std::move(namespaces);
  spec.linux.uid_mappings = spec.linux.gid_mappings = {{0, 1000, 1}, {1, 100000, 65536}};
  spec.linux.resources_json = R"({"pids":{"limit":5}})";
  spec.mounts.push_back({.destination = "/proc", .type = "proc", .source = "proc"});
  spec.mounts.push_back({.destination = "/sys", .type = "sysfs", .source = "sysfs"});
  return spec;
}

}  // namespace

TEST_CASE("a container with the ids of the runtime's namespace gets no other one") {
  const ExternalPlace place{.program = "crun", .map = default_map, .outer = default_map, .root_path = "rootfs"};
  const runtime::Spec spec = external_spec(spec_with({{"user", ""}, {"pid", ""}, {"network", ""}}), place);
  CHECK_FALSE(runtime::has_namespace(spec, "user"));
  CHECK(spec.linux.uid_mappings.empty());
  CHECK(spec.linux.resources_json.empty());
  CHECK(spec.root_path == "rootfs");
  CHECK(spec.mounts[0].type == "proc");
}

TEST_CASE("other ids are those of the runtime's namespace, not of the host") {
  const rootless::IdMap map{.uids = {{0, 100000, 1000}, {1000, 1000, 1}}, .gids = {{0, 100000, 1000}, {1000, 1000, 1}}};
  const ExternalPlace place{.program = "crun", .map = map, .outer = default_map, .root_path = "rootfs"};
  const runtime::Spec spec = external_spec(spec_with({{"user", ""}, {"pid", ""}, {"network", ""}}), place);
  CHECK(runtime::has_namespace(spec, "user"));
  REQUIRE(spec.linux.uid_mappings.size() == 2);
  CHECK(spec.linux.uid_mappings[0].host_id == 1);
  CHECK(spec.linux.uid_mappings[0].size == 1000);
  CHECK(spec.linux.uid_mappings[1].container_id == 1000);
  CHECK(spec.linux.uid_mappings[1].host_id == 0);
}

TEST_CASE("root's runtime makes the user namespace as the record has it") {
  const ExternalPlace place{
      .program = "crun", .map = default_map, .outer = {}, .has_outer = false, .root_path = "rootfs"};
  const runtime::Spec spec = external_spec(spec_with({{"user", ""}, {"pid", ""}, {"network", ""}}), place);
  CHECK(spec.linux.uid_mappings[0].host_id == 1000);
}

TEST_CASE("proc and sysfs of the host's namespaces are bound, since they cannot be mounted") {
  const ExternalPlace place{.program = "crun", .map = default_map, .outer = default_map, .root_path = "rootfs"};
  const runtime::Spec spec = external_spec(spec_with({{"user", ""}}), place);
  for (const runtime::Mount& mount : spec.mounts) {
    CHECK(mount.type == "bind");
    CHECK(mount.source == mount.destination);
    CHECK(std::count(mount.options.begin(), mount.options.end(), "rbind") == 1);
  }
}

TEST_CASE("--init is a program of the host in front of the command") {
  const ExternalPlace place{
      .map = default_map, .outer = default_map, .root_path = "rootfs", .init_program = "/usr/bin/catatonit"};
  const runtime::Spec spec = external_spec(spec_with({{"pid", ""}}), place);
  CHECK(spec.process.args == std::vector<std::string>{"/run/podman-init", "--", "true"});
  CHECK(spec.mounts.back().source == "/usr/bin/catatonit");
}

TEST_CASE("namespaces of others are in the way of another runtime") {
  CHECK(external_obstacle(spec_with({{"pid", ""}}), "runc").empty());
  CHECK(external_obstacle(spec_with({{"pid", "/proc/7/ns/pid"}}), "crun") == "it joins the pid namespace of another");
  runtime::Spec rootless = spec_with({});
  rootless.linux.gid_mappings = {{1000, 1000, 1}};
  CHECK(external_obstacle(rootless, "crun").empty());
  CHECK(external_obstacle(rootless, "runc") == "runc needs a user and a group 0, and this container has none");
}
