#include <doctest/doctest.h>
#include <linux/mount.h>
#include <sched.h>

#include "base/error.hpp"
#include "runtime/plan.hpp"
#include "runtime/stage.hpp"
#include "runtime/stub/home.h"
#include "runtime/sysctl.hpp"

namespace {

runtime::Spec spec_with(std::vector<runtime::Mount> mounts) {
  runtime::Spec spec;
  spec.process.args = {"sh"};
  spec.linux.namespaces = {{"mount", ""}, {"user", ""}, {"pid", ""}};
  spec.mounts = std::move(mounts);
  return spec;
}

std::string problem_of(const runtime::Spec& spec) {
  try {
    runtime::plan_container(spec, "/bundle");
  } catch (const base::Error& error) {
    return error.message();
  }
  return "";
}

}  // namespace

TEST_CASE("namespaces are divided into those to make and those to join, the user namespace first") {
  const runtime::NamespacePlan plan =
      runtime::plan_namespaces({{"mount", ""}, {"network", "/n"}, {"pid", ""}, {"user", "/u"}});
  CHECK(plan.created == static_cast<unsigned>(CLONE_NEWNS | CLONE_NEWPID));
  REQUIRE(plan.joined.size() == 2);
  CHECK(plan.joined[0].flag == CLONE_NEWUSER);
  CHECK(plan.joined[1].flag == CLONE_NEWNET);
  CHECK(plan.owns(CLONE_NEWNET));
  CHECK_FALSE(plan.creates(CLONE_NEWNET));
  CHECK_FALSE(plan.owns(CLONE_NEWIPC));
}

TEST_CASE("a container needs a mount namespace, its own or another's") {
  CHECK_THROWS_AS(runtime::plan_namespaces({{"pid", ""}}), base::Error);
  CHECK(runtime::plan_namespaces({{"mount", "/m"}}).joins(CLONE_NEWNS));
}

TEST_CASE("every kind of mount is recognised") {
  struct Row {
    runtime::Mount mount;
    runtime::MountKind kind;
  };
  const Row table[] = {
      {{"/proc", "proc", "proc", {}}, runtime::MountKind::proc},
      {{"/sys", "sysfs", "sysfs", {"ro"}}, runtime::MountKind::sysfs},
      {{"/sys/fs/cgroup", "cgroup", "cgroup", {}}, runtime::MountKind::cgroup},
      {{"/dev", "tmpfs", "tmpfs", {}}, runtime::MountKind::device_tmpfs},
      {{"/dev/", "tmpfs", "tmpfs", {}}, runtime::MountKind::device_tmpfs},
      {{"/dev/pts", "devpts", "devpts", {}}, runtime::MountKind::devpts},
      {{"/dev/shm", "tmpfs", "shm", {}}, runtime::MountKind::filesystem},
      {{"/dev/mqueue", "mqueue", "mqueue", {}}, runtime::MountKind::mqueue},
      {{"/a", "none", "/b", {"rbind"}}, runtime::MountKind::bind},
      {{"/a", "bind", "/b", {}}, runtime::MountKind::bind},
      {{"/a", "", "/b", {"bind"}}, runtime::MountKind::bind},
      {{"/sys", "sysfs", "/sys", {"rbind"}}, runtime::MountKind::bind},
  };
  for (const Row& row : table) {
    CAPTURE(row.mount.destination);
    CHECK(runtime::plan_mount(row.mount, "/bundle").kind == row.kind);
  }
}

TEST_CASE("relative bind sources begin at the bundle, and destinations are cleaned") {
  const runtime::MountStep step = runtime::plan_mount({"//a/./b/", "bind", "data/x", {}}, "/bundle");
  CHECK(step.source == "/bundle/data/x");
  CHECK(step.destination == "/a/b");
}

TEST_CASE("mounts that would break a container are refused, naming the destination") {
  CHECK(problem_of(spec_with({{"/", "tmpfs", "tmpfs", {}}})).find("\"/\"") != std::string::npos);
  CHECK(problem_of(spec_with({{"/proc", "tmpfs", "tmpfs", {}}})).find("/proc") != std::string::npos);
  CHECK(problem_of(spec_with({{"/x", "", "", {}}})).find("/x") != std::string::npos);
  CHECK(problem_of(spec_with({{"/x", "bind", "", {}}})).find("source") != std::string::npos);
  CHECK(problem_of(spec_with({{"/x", "bind", "/y", {"tmpcopyup"}}})).find("tmpcopyup") != std::string::npos);
}

TEST_CASE("a remount needs no source, may name the root, and is no mount on /dev") {
  const runtime::ContainerPlan plan =
      runtime::plan_container(spec_with({{"/", "", "", {"remount", "ro"}}, {"/dev", "", "", {"remount"}}}), "/b");
  REQUIRE(plan.mounts.size() == 3);
  CHECK(plan.mounts[0].kind == runtime::MountKind::device_tmpfs);
  CHECK(plan.mounts[1].kind == runtime::MountKind::remount);
}

TEST_CASE("an idmapped mount has its own mappings, or those of the container") {
  runtime::Mount mount{"/x", "bind", "/y", {"rbind", "ridmap"}, {{0, 5, 1}}, {{0, 6, 1}}};
  const auto own = runtime::plan_container(spec_with({mount}), "/b").mounts.back();
  CHECK(own.options.id_map == runtime::IdMap::recursive);
  CHECK(own.uid_mappings.front().host_id == 5);
  mount.options = {"bind"};
  CHECK(runtime::plan_container(spec_with({mount}), "/b").mounts.back().options.id_map == runtime::IdMap::single);
  mount.gid_mappings.clear();
  CHECK(problem_of(spec_with({mount})).find("gidMappings") != std::string::npos);
  mount.uid_mappings.clear();
  mount.options = {"bind", "idmap"};
  runtime::Spec spec = spec_with({mount});
  spec.linux.uid_mappings = spec.linux.gid_mappings = {{0, 77, 9}};
  CHECK(runtime::plan_container(spec, "/b").mounts.back().gid_mappings.front().host_id == 77);
  spec.linux.namespaces = {{"mount", ""}};
  CHECK(problem_of(spec).find("user namespace") != std::string::npos);
  CHECK(problem_of(spec_with({{"/x", "tmpfs", "tmpfs", {"idmap"}}})).find("bind") != std::string::npos);
}

TEST_CASE("recursive attributes of a file system of our own are plain ones") {
  const runtime::MountStep step = runtime::plan_mount({"/x", "tmpfs", "tmpfs", {"rro", "noexec"}}, "/b");
  CHECK(step.options.set == (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC));
  CHECK(step.options.recursive_set == 0);
}

TEST_CASE("a container without a mount on /dev gets one, before all others") {
  const runtime::ContainerPlan plan = runtime::plan_container(spec_with({{"/dev/shm", "tmpfs", "shm", {}}}), "/b");
  REQUIRE(plan.mounts.size() == 2);
  CHECK(plan.mounts[0].kind == runtime::MountKind::device_tmpfs);
  CHECK(runtime::plan_container(spec_with({{"/dev", "bind", "/dev", {"rbind"}}}), "/b").mounts.size() == 1);
}

TEST_CASE("only slaves and shared mounts keep a link to the host's mounts") {
  CHECK_FALSE(runtime::plan_container(spec_with({{"/a", "bind", "/b", {"rprivate"}}}), "/b").keeps_host_propagation);
  CHECK(runtime::plan_container(spec_with({{"/a", "bind", "/b", {"rslave"}}}), "/b").keeps_host_propagation);
  runtime::Spec spec = spec_with({});
  spec.linux.rootfs_propagation = "rshared";
  CHECK(runtime::plan_container(spec, "/b").keeps_host_propagation);
}

TEST_CASE("sysctl names become paths with either separator") {
  CHECK(runtime::path_of_sysctl("net.ipv4.ip_forward") == "sys/net/ipv4/ip_forward");
  CHECK(runtime::path_of_sysctl("net/ipv4/conf/eth0.100/forwarding") == "sys/net/ipv4/conf/eth0.100/forwarding");
}

TEST_CASE("the program is searched where the container's own PATH says") {
  CHECK(runtime::search_path_of({"A=1", "PATH=/x:/y", "PATH=/z"}) == "/x:/y");
  CHECK(runtime::search_path_of({"PATHS=/x"}).starts_with("/usr/local/sbin:"));
}

TEST_CASE("groups are set only where the kernel permits it") {
  runtime::Process process;
  process.args = {"sh"};
  process.user.additional_gids = {};
  CHECK_FALSE(runtime::plan_stage(process, {}, false).groups);
  process.user.additional_gids = {7};
  CHECK(runtime::plan_stage(process, {}, true).groups == std::vector<gid_t>{7});
}

TEST_CASE("the home directory comes from a well-formed line of the container's passwd file") {
  const std::string_view passwd =
      "root:x:0:0:root:/root:/bin/sh\nbad:x:7\nrel:x:8:8::home:/bin/sh\nbig:x:4294967305:9:a:/big:\nu:x:9:9:a:/home/u:";
  const auto home_of = [](std::string_view text, std::uint32_t uid) {
    std::size_t length = 0;
    const char* home = passwd_home(text.data(), text.size(), uid, &length);
    return home == nullptr ? std::string{} : std::string{home, length};
  };
  CHECK(home_of(passwd, 0) == "/root");
  CHECK(home_of(passwd, 9) == "/home/u");
  CHECK(home_of(passwd, 7).empty());
  CHECK(home_of(passwd, 8).empty());
  CHECK(home_of("", 0).empty());
  CHECK(home_of("a:x:1:1::/a:\n\n::::::\n:::::::\na:x:1:1::/b:", 1) == "/a");
}
