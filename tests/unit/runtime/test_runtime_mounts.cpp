#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "runtime/mount_options.hpp"
#include "runtime/mounts_idmap.hpp"
#include "tests/unit/runtime/sample_container.hpp"

// Mounts of real containers, and what is decided about them without one.

namespace {

bool can_test() {
  if (why_no_containers().empty()) return true;
  MESSAGE("skipped: no container can be started here: ", why_no_containers());
  return false;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string problem_of(SampleContainer& container) {
  try {
    return "it ran and gave: " + container.run("true").output;
  } catch (const base::Error& error) {
    return base::concat(error.message(), " hint: ", error.hint());
  }
}

/// Line of /proc/self/mountinfo for `place`: "… MOUNT-OPTIONS OPTIONAL… - TYPE SOURCE OPTIONS".
std::string mount_line(SampleContainer& container, const std::string& place) {
  return container.run(base::concat("grep ' ", place, " ' /proc/self/mountinfo")).output;
}

}  // namespace

TEST_CASE("id mappings are written as the kernel reads them") {
  CHECK(runtime::id_map_text({{0, 1000, 1}, {1, 100000, 65536}}) == "0 1000 1\n1 100000 65536\n");
}

TEST_CASE("every known option is accepted for a tmpfs and for a bind mount") {
  if (!can_test()) return;
  SampleContainer container;
  unsigned number = 0;
  for (const std::string& name : runtime::mount_option_names()) {
    if (name == "idmap" || name == "ridmap" || name == "remount" || name == "bind" || name == "rbind") continue;
    container.spec.mounts.push_back({base::concat("/t", number), "tmpfs", "tmpfs", {name}});
    if (name != "tmpcopyup")
      container.spec.mounts.push_back({base::concat("/b", number), "bind", container.path(), {"bind", name}});
    ++number;
  }
  CHECK(container.run("true").code == 0);
}

TEST_CASE("flags of mounts are those that were asked for, also on mounts below") {
  if (!can_test()) return;
  SampleContainer container;
  container.spec.mounts.push_back({"/t", "tmpfs", "tmpfs", {"rro", "noatime", "nodiratime", "nosymfollow"}});
  container.spec.mounts.push_back({"/b", "bind", "/dev", {"rbind", "rro", "rnosuid"}});
  const std::string tmpfs = mount_line(container, "/t");
  CHECK_MESSAGE(contains(tmpfs, " ro,noatime,nodiratime,nosymfollow "), tmpfs);
  const std::string below = container.run("grep ' /b[ /]' /proc/self/mountinfo | grep -v ' ro,nosuid'; exit 0").output;
  CHECK_MESSAGE(below.empty(), below);
}

TEST_CASE("remount changes what is mounted already, in the order of config.json") {
  if (!can_test()) return;
  SampleContainer container;
  container.spec.mounts.push_back({"/t", "tmpfs", "tmpfs", {"size=64k"}});
  container.spec.mounts.push_back({"/b", "bind", container.path(), {"bind"}});
  container.spec.mounts.push_back({"/b/sub", "tmpfs", "tmpfs", {}});
  container.spec.mounts.push_back({"/t", "tmpfs", "tmpfs", {"remount", "size=128k", "noexec"}});
  container.spec.mounts.push_back({"/b", "none", "", {"remount", "bind", "ro"}});
  REQUIRE(base::make_directory(AT_FDCWD, container.path() + "/sub", 0755));
  const std::string output = container.run("grep -E ' /(t|b|b/sub) ' /proc/self/mountinfo; touch /b/x").output;
  CHECK_MESSAGE(contains(output, "size=128k"), output);
  CHECK_MESSAGE(contains(output, "noexec"), output);
  CHECK_MESSAGE(contains(output, "/b/x: Read-only file system"), output);
  container.spec.mounts.push_back({"/none", "tmpfs", "tmpfs", {"remount", "ro"}});
  CHECK(contains(problem_of(container), "/none"));
}

TEST_CASE("links are followed, bound, mounted on or copied as the options say") {
  if (!can_test()) return;
  SampleContainer container;
  container.write_file("real", "real\n");
  container.write_file("other", "other\n");
  const std::string link = container.path() + "/link";
  REQUIRE(::symlink("rootfs/real", link.c_str()) == 0);
  REQUIRE(::symlinkat("other", container.root(), "to-other") == 0);
  container.spec.mounts.push_back({"/followed", "bind", link, {"bind"}});
  container.spec.mounts.push_back({"/copied", "bind", link, {"bind", "copy-symlink"}});
  container.spec.mounts.push_back({"/not-a-link", "bind", container.root_path() + "/real", {"bind", "copy-symlink"}});
  container.spec.mounts.push_back({"/to-other", "bind", container.root_path() + "/real", {"bind", "dest-nofollow"}});
  const std::string output = container.run("cat /followed /not-a-link /to-other /other; stat -c %N /copied").output;
  CHECK_MESSAGE(contains(output, "real\nreal\nreal\nother\n"), output);
  CHECK_MESSAGE(contains(output, "rootfs/real"), output);
  container.spec.mounts = {container.spec.mounts.front()};
  container.spec.mounts.push_back({"/itself", "bind", link, {"bind", "src-nofollow"}});
  const std::string itself = container.run("stat -c %N /itself").output;
  CHECK_MESSAGE(contains(itself, "rootfs/real"), itself);
}

TEST_CASE("a link cannot stand in for procfs") {  // CVE-2019-19921
  if (!can_test()) return;
  SampleContainer container;
  const std::string link = container.path() + "/link";
  REQUIRE(::symlink("/tmp", link.c_str()) == 0);
  container.spec.mounts.front() = {"/proc", "bind", link, {"bind", "copy-symlink"}};
  CHECK(contains(problem_of(container), "/proc"));
}

TEST_CASE("every propagation of the root and of a mount is honoured") {
  if (!can_test()) return;
  struct Row {
    const char* word;
    const char* shown;
  };
  for (const Row& row :
       {Row{"private", " - "}, Row{"rprivate", " - "}, Row{"slave", " - "}, Row{"shared", " shared:"},
        Row{"rshared", " shared:"}, Row{"unbindable", " unbindable "}, Row{"runbindable", " unbindable "}}) {
    CAPTURE(row.word);
    SampleContainer container;
    container.spec.linux.rootfs_propagation = row.word;
    const std::string root = mount_line(container, "/");
    CHECK_MESSAGE(contains(root, row.shown), root);
    container.spec.linux.rootfs_propagation = "";
    container.spec.mounts.push_back({"/t", "tmpfs", "tmpfs", {row.word}});
    container.spec.mounts.push_back({"/b", "bind", container.path(), {"bind", row.word}});
    const std::string mounts = container.run("grep -E ' /[tb] ' /proc/self/mountinfo").output;
    CHECK_MESSAGE(contains(mounts, row.shown), mounts);
  }
}

TEST_CASE("ids of a bind mount are mapped by root, and nobody else is told less than why not") {
  if (!can_test()) return;
  SampleContainer container;
  const base::UniqueFd data = base::make_directory(AT_FDCWD, container.path() + "/data", 0755);
  container.spec.mounts.push_back({"/m", "bind", "data", {"bind", "idmap"}, {{0, 0, 1}}, {{0, 0, 1}}});
  auto& mount = container.spec.mounts.back();
  if (::geteuid() != 0) {
    mount.uid_mappings.front().host_id = ::geteuid();
    mount.gid_mappings.front().host_id = ::getegid();
    const std::string problem = problem_of(container);
    CHECK_MESSAGE(contains(problem, "Operation not permitted"), problem);
    CHECK_MESSAGE(contains(problem, "hint: only root of the user namespace"), problem);
    return;
  }
  // On disk 4321, in the container 0.
  REQUIRE(::fchown(data.get(), 4321, 4322) == 0);
  mount.uid_mappings.front().container_id = 4321;
  mount.gid_mappings.front().container_id = 4322;
  CHECK(container.run("stat -c %u:%g /m").output == "0:0\n");
  // What the container makes there is owned by 4321 on disk, and the mount's flags hold.
  mount.options = {"rbind", "ridmap", "nosuid", "noexec"};
  const std::string output = container.run("cp /bin/busybox /m/made; /m/made true").output;
  CHECK_MESSAGE(contains(output, "/m/made: Permission denied"), output);
  struct stat status {};
  REQUIRE(::fstatat(data.get(), "made", &status, AT_SYMLINK_NOFOLLOW) == 0);
  CHECK(status.st_uid == 4321);
  CHECK(status.st_gid == 4322);
}

TEST_CASE("an idmapped mount without mappings takes those of the container") {
  if (!can_test() || ::geteuid() != 0) return;
  SampleContainer container;
  container.spec.linux.uid_mappings = container.spec.linux.gid_mappings = {{0, 100000, 10}};
  container.adjust = [](runtime::CreateRequest& request) {
    request.write_id_maps = [](pid_t, int process) {
      base::write_existing(process, "uid_map", "0 100000 10");
      base::write_existing(process, "gid_map", "0 100000 10");
    };
  };
  REQUIRE(::chmod(container.path().c_str(), 0755) == 0);
  REQUIRE(::fchown(container.root(), 100000, 100000) == 0);
  container.write_file("file", "x");
  container.spec.mounts.push_back({"/m", "bind", "rootfs", {"bind", "idmap"}});
  CHECK(container.run("stat -c %u:%g /m/file /file").output == "0:0\n65534:65534\n");
}

TEST_CASE("a SELinux context for mounts needs SELinux") {
  if (!can_test() || ::access("/sys/fs/selinux/enforce", F_OK) == 0) return;
  SampleContainer container;
  container.spec.linux.mount_label = "system_u:object_r:container_file_t:s0:c1,c2";
  CHECK(contains(problem_of(container), "SELinux"));
}

TEST_CASE("a cgroup mount shows at least one hierarchy and cannot be written to in a user namespace") {
  if (!can_test()) return;
  SampleContainer container;
  container.spec.mounts.push_back({"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev"}});
  const std::string output =
      container.run("grep -E ' - cgroup2? ' /proc/self/mountinfo; touch /sys/fs/cgroup/x; exit 0").output;
  CHECK_MESSAGE(contains(output, " /sys/fs/cgroup"), output);
  CHECK_MESSAGE(!contains(output, " rw,nosuid,nodev,noexec - cgroup "), output);
}
