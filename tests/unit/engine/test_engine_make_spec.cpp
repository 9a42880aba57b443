#include <algorithm>
#include <doctest/doctest.h>

#include "engine/make_spec.hpp"
#include "runtime/spec.hpp"

using engine::make_spec;
using engine::RunOptions;

namespace {

/// Inputs with their own storage, so that a test changes one thing.
struct Inputs {
  RunOptions options;
  engine::Security security;
  engine::ResolvedUser user;
  engine::Surroundings around;
  rootless::IdMap map{.uids = {{0, 1000, 1}, {1, 100000, 65536}}, .gids = {{0, 1000, 1}, {1, 100000, 65536}}};
  std::vector<engine::MountWord> mounts;
  std::string network = "none";
  bool host_has_mqueue = true;

  runtime::Spec spec() const {
    engine::SpecInputs in{.options = options, .security = security, .user = user, .around = around, .id_map = map};
    in.argv = {"true"};
    in.hostname = "box";
    in.network = network;
    in.host_has_mqueue = host_has_mqueue;
    in.mounts = mounts;
    in.files = {{"/store/hosts", "/etc/hosts"}};
    return make_spec(in);
  }
};

const runtime::Mount* find(const runtime::Spec& spec, std::string_view destination) {
  for (const runtime::Mount& mount : spec.mounts)
    if (mount.destination == destination) return &mount;
  return nullptr;
}

bool has(const runtime::Mount& mount, const std::string& option) {
  return std::find(mount.options.begin(), mount.options.end(), option) != mount.options.end();
}

}  // namespace

TEST_CASE("a container has all namespaces of its own and the caller's whole map") {
  const runtime::Spec spec = Inputs{}.spec();
  for (const char* type : {"user", "mount", "pid", "ipc", "uts", "cgroup", "network"}) {
    CAPTURE(type);
    CHECK(runtime::has_namespace(spec, type));
  }
  REQUIRE(spec.linux.uid_mappings.size() == 2);
  CHECK(spec.linux.uid_mappings[1].host_id == 100000);
  CHECK(spec.hostname == "box");
}

TEST_CASE("host namespaces are left out") {
  Inputs in;
  in.network = "host";
  in.options.pid = "host";
  in.options.uts = "host";
  const runtime::Spec spec = in.spec();
  CHECK_FALSE(runtime::has_namespace(spec, "network"));
  CHECK_FALSE(runtime::has_namespace(spec, "pid"));
  CHECK(spec.hostname.empty());
}

TEST_CASE("--ipc host shows the host's message queues and shared memory, where it has them") {
  Inputs in;
  in.options.ipc = "host";
  CHECK_FALSE(runtime::has_namespace(in.spec(), "ipc"));
  CHECK(find(in.spec(), "/dev/mqueue")->type == "bind");
  CHECK(find(in.spec(), "/dev/shm")->type == "bind");
  in.host_has_mqueue = false;
  CHECK(find(in.spec(), "/dev/mqueue") == nullptr);
}

TEST_CASE("devpts gets the tty group only where it is mapped") {
  Inputs in;
  CHECK(has(*find(in.spec(), "/dev/pts"), "gid=5"));
  in.map.gids = {{0, 1000, 1}};
  CHECK_FALSE(has(*find(in.spec(), "/dev/pts"), "gid=5"));
}

TEST_CASE("a mount of the user's replaces ours, and parents come before children") {
  Inputs in;
  in.mounts = {{.source = "/b", .destination = "/data/cache", .options = {"rbind"}},
               {.source = "/a", .destination = "/data", .options = {"rbind"}},
               {.source = "/h", .destination = "/etc/hosts", .options = {"rbind"}}};
  const runtime::Spec spec = in.spec();
  CHECK(find(spec, "/data") < find(spec, "/data/cache"));
  CHECK(find(spec, "/etc/hosts")->source == "/h");
}

TEST_CASE("a read-only container keeps writable scratch folders unless told not to") {
  Inputs in;
  in.options.read_only = true;
  CHECK(find(in.spec(), "/tmp") != nullptr);
  CHECK(in.spec().root_readonly);
  in.options.read_only_tmpfs = false;
  CHECK(find(in.spec(), "/tmp") == nullptr);
}

TEST_CASE("a process that is not root has no capabilities but those added by name") {
  Inputs in;
  in.security.capabilities = {"CAP_CHOWN", "CAP_NET_RAW"};
  in.user.uid = 1000;
  CHECK(in.spec().process.capabilities.effective.empty());
  CHECK(in.spec().process.capabilities.bounding.size() == 2);
  in.security.added = {"CAP_NET_RAW"};
  CHECK(in.spec().process.capabilities.ambient == std::vector<std::string>{"CAP_NET_RAW"});
  in.user.uid = 0;
  CHECK(in.spec().process.capabilities.inheritable.empty());
  CHECK(in.spec().process.capabilities.effective.size() == 2);
}

TEST_CASE("the spec survives being written and read") {
  const runtime::Spec spec = Inputs{}.spec();
  const runtime::Spec again = runtime::parse_spec(runtime::write_spec(spec), "test");
  CHECK(again.mounts.size() == spec.mounts.size());
  CHECK(again.process.args == spec.process.args);
  CHECK(runtime::write_spec(again) == runtime::write_spec(spec));
}
