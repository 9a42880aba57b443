#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/process.hpp"
#include "base/scope_exit.hpp"
#include "base/text.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/cgroup_device_filter.hpp"
#include "runtime/cgroup_devices.hpp"
#include "runtime/cgroup_folder.hpp"
#include "runtime/cgroup_folders.hpp"
#include "runtime/cgroup_oom.hpp"

// Real cgroups, where this machine lets us make them; each test says what it misses.

using runtime::Cgroup;
using runtime::FolderCgroup;
using runtime::Hierarchies;

namespace {

bool can_make_cgroups() {
  if (::geteuid() != 0) return false;
  const Hierarchies found = runtime::find_hierarchies();
  if (found.unified) return ::access(found.unified->mount_point.c_str(), W_OK) == 0;
  return !found.legacy.empty() && ::access(found.legacy.front().mount_point.c_str(), W_OK) == 0;
}

/// False, with a line that says so, when the machine lacks it.
bool needs(bool is_there, const char* what) {
  if (!is_there) MESSAGE("skipped: this machine has no ", std::string{what});
  return is_there;
}

/// A device that no container has by default; somebody may have denied it to the whole machine.
bool can_open_kmsg() {
  return static_cast<bool>(base::UniqueFd{::open("/dev/kmsg", O_RDONLY | O_CLOEXEC)});
}

std::string fresh_path() {
  return "/engine-unit-" + base::random_hex(6);
}

std::unique_ptr<FolderCgroup> make(const std::string& path, const char* json, bool is_rootless = false) {
  return FolderCgroup::make({.path = path, .scope = "", .is_rootless = is_rootless, .devices = {}},
                            runtime::parse_resources(json));
}

constexpr const char* all_devices = R"({"devices":[{"allow":true,"access":"rwm"}]})";

base::Child idle_process() {
  return base::spawn({.path = "/bin/sleep", .argv = {"sleep", "1000"}, .null_stdin = true});
}

/// The v1 folder of a controller, or the unified one where it is no v1 controller; empty when neither has it.
std::string folder_of(const Cgroup& cgroup, std::string_view controller) {
  for (const auto& [controllers, path] : cgroup.record().legacy) {
    for (const std::string_view name : base::split(controllers, ',')) {
      if (name == controller) return path;
    }
  }
  const std::string& unified = cgroup.record().unified;
  if (unified.empty()) return {};
  const std::string words = base::read_file(AT_FDCWD, unified + "/cgroup.controllers", 4096);
  return words.find(controller) == std::string::npos ? std::string{} : unified;
}

std::string read(const std::string& path) {
  return std::string{base::trim(base::read_file(AT_FDCWD, path, 1 << 20))};
}

bool is_v1(const Cgroup& cgroup, std::string_view controller) {
  return folder_of(cgroup, controller) != cgroup.record().unified;
}

}  // namespace

TEST_CASE("a cgroup is made, entered, found again and removed, with what is below it") {
  if (!needs(can_make_cgroups(), "cgroups that we may make")) return;
  const auto cgroup = make(fresh_path(), all_devices);
  auto cleanup = base::on_scope_exit([&] { cgroup->remove(); });
  base::Child child = idle_process();
  cgroup->add(child.pid());
  cgroup->add(child.pid());
  CHECK(cgroup->processes() == std::vector<pid_t>{child.pid()});
  const auto again = Cgroup::open(cgroup->record());
  CHECK(again->processes() == std::vector<pid_t>{child.pid()});
  struct stat status {};
  const std::string folder =
      cgroup->record().unified.empty() ? cgroup->record().legacy.front().second : cgroup->record().unified;
  REQUIRE(::stat(folder.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0755);
  const std::string below = folder + "/a";
  REQUIRE(::mkdir(below.c_str(), 0755) == 0);
  REQUIRE(::mkdir((below + "/b").c_str(), 0755) == 0);
  again->kill_all();
  child.wait();
  again->remove();
  CHECK_FALSE(base::exists(AT_FDCWD, folder));
  again->remove();
  for (const auto& [controllers, path] : cgroup->record().legacy) CHECK_FALSE(base::exists(AT_FDCWD, path));
  CHECK(Cgroup::open(cgroup->record())->processes().empty());
}

TEST_CASE("removing waits for processes that are ending") {
  if (!needs(can_make_cgroups(), "cgroups that we may make")) return;
  const auto cgroup = make(fresh_path(), all_devices);
  base::Child child = idle_process();
  cgroup->add(child.pid());
  child.send_signal(SIGKILL);
  cgroup->remove();
  CHECK(Cgroup::open(cgroup->record())->processes().empty());
}

TEST_CASE("a process in a nested cgroup counts, is frozen and is killed") {
  if (!needs(can_make_cgroups() && runtime::find_hierarchies().unified, "cgroup v2")) return;
  const auto cgroup = make(fresh_path(), all_devices);
  auto cleanup = base::on_scope_exit([&] { cgroup->remove(); });
  const std::string below = cgroup->record().unified + "/below";
  REQUIRE(::mkdir(below.c_str(), 0755) == 0);
  base::Child child = idle_process();
  base::write_existing(AT_FDCWD, below + "/cgroup.procs", std::to_string(child.pid()));
  CHECK(cgroup->processes() == std::vector<pid_t>{child.pid()});
  CHECK_FALSE(cgroup->is_frozen());
  cgroup->freeze();
  CHECK(cgroup->is_frozen());
  cgroup->freeze();
  cgroup->thaw();
  CHECK_FALSE(cgroup->is_frozen());
  cgroup->freeze();
  cgroup->kill_all();  // also while it is frozen
  CHECK(child.wait().code == 128 + SIGKILL);
}

TEST_CASE("without the v2 freezer and cgroup.kill the v1 freezer does, and processes are killed one by one") {
  Hierarchies v1 = runtime::find_hierarchies();
  v1.unified.reset();
  if (!needs(can_make_cgroups() && !v1.legacy.empty(), "cgroup v1")) return;
  const auto cgroup =
      FolderCgroup::make({.path = fresh_path(), .scope = "", .devices = {}}, runtime::parse_resources(all_devices), v1);
  auto cleanup = base::on_scope_exit([&] { cgroup->remove(); });
  CHECK(cgroup->clone_fd() == -1);
  base::Child first = idle_process(), second = idle_process();
  cgroup->add(first.pid());
  cgroup->add(second.pid());
  CHECK(cgroup->processes().size() == 2);
  if (needs(!folder_of(*cgroup, "freezer").empty(), "v1 freezer")) {
    cgroup->freeze();
    CHECK(cgroup->is_frozen());
    CHECK(read(folder_of(*cgroup, "freezer") + "/freezer.state") == "FROZEN");
    cgroup->thaw();
    CHECK_FALSE(cgroup->is_frozen());
  }
  cgroup->kill_all();
  CHECK(first.wait().code == 128 + SIGKILL);
  CHECK(second.wait().code == 128 + SIGKILL);
}

TEST_CASE("limits are in the files, whichever version has the controller; update changes them in any order") {
  if (!needs(can_make_cgroups(), "cgroups that we may make")) return;
  const auto cgroup = make(fresh_path(), all_devices);
  auto cleanup = base::on_scope_exit([&] { cgroup->remove(); });
  const std::string memory = folder_of(*cgroup, "memory"), pids = folder_of(*cgroup, "pids"),
                    cpu = folder_of(*cgroup, "cpu"), cpuset = folder_of(*cgroup, "cpuset");
  if (needs(!memory.empty(), "memory controller")) {
    const bool is_legacy = is_v1(*cgroup, "memory");
    const std::string file = memory + (is_legacy ? "/memory.limit_in_bytes" : "/memory.max");
    cgroup->set(R"({"memory":{"limit":67108864,"swap":134217728}})");
    CHECK(read(file) == "67108864");
    cgroup->set(R"({"memory":{"limit":268435456,"swap":268435456}})");  // above the old limit for both
    CHECK(read(file) == "268435456");
    cgroup->set(R"({"memory":{"limit":33554432,"swap":33554432}})");
    CHECK(read(file) == "33554432");
    if (is_legacy) CHECK(read(memory + "/memory.memsw.limit_in_bytes") == "33554432");
    CHECK(cgroup->statistics().memory_limit == 33554432U);
    cgroup->set(R"({"memory":{"limit":-1}})");
    CHECK_FALSE(cgroup->statistics().memory_limit);
  }
  if (needs(!pids.empty(), "pids controller")) {
    cgroup->set(R"({"pids":{"limit":7}})");
    CHECK(read(pids + "/pids.max") == "7");
    CHECK(cgroup->statistics().pids_limit == 7U);
    cgroup->set(R"({"pids":{"limit":-1}})");
    CHECK(read(pids + "/pids.max") == "max");
  }
  if (needs(!cpu.empty(), "cpu controller")) {
    cgroup->set(R"({"cpu":{"quota":20000,"period":50000,"shares":512}})");
    const bool is_legacy = is_v1(*cgroup, "cpu");
    CHECK(read(cpu + (is_legacy ? "/cpu.cfs_quota_us" : "/cpu.max")) == (is_legacy ? "20000" : "20000 50000"));
    CHECK(read(cpu + (is_legacy ? "/cpu.shares" : "/cpu.weight")) == (is_legacy ? "512" : "20"));
  }
  if (needs(!cpuset.empty(), "cpuset controller")) {
    cgroup->set(R"({"cpu":{"cpus":"0","mems":"0"}})");
    CHECK(read(cpuset + "/cpuset.cpus") == "0");
  }
}

TEST_CASE("what the kernel refuses names value, file and field, and nothing is left of the cgroup") {
  if (!needs(can_make_cgroups(), "cgroups that we may make")) return;
  const std::string path = fresh_path();
  std::string message;
  try {
    make(path, R"({"cpu":{"quota":1,"period":7}})");
  } catch (const base::Error& error) {
    message = error.message();
  }
  CHECK(message.find("linux.resources.cpu.") != std::string::npos);
  const Hierarchies found = runtime::find_hierarchies();
  if (found.unified) CHECK_FALSE(base::exists(AT_FDCWD, found.unified->mount_point + path));
  for (const auto& hierarchy : found.legacy) CHECK_FALSE(base::exists(AT_FDCWD, hierarchy.mount_point + path));
}

TEST_CASE("a controller that is nowhere is an error, and rootless a warning") {
  const auto make_nowhere = [](bool is_rootless) {
    return FolderCgroup::make({.path = "/x", .scope = "", .is_rootless = is_rootless, .devices = {}},
                              runtime::parse_resources(R"({"pids":{"limit":5}})"), Hierarchies{});
  };
  CHECK_THROWS_WITH_AS(make_nowhere(false),
                       "setting linux.resources.pids.limit: the pids controller is mounted in no cgroup hierarchy",
                       base::Error);
  const auto cgroup = make_nowhere(true);
  CHECK(cgroup->record().unified.empty());
  CHECK(cgroup->clone_fd() == -1);
  CHECK(cgroup->processes().empty());
  cgroup->add(::getpid());
  cgroup->kill_all();
  CHECK_THROWS_AS(cgroup->freeze(), base::Error);
  cgroup->remove();
}

TEST_CASE("a controller that v2 lacks, and a unified key for one, are errors that say so") {
  Hierarchies v2 = runtime::find_hierarchies();
  v2.legacy.clear();
  if (!needs(can_make_cgroups() && v2.unified, "cgroup v2")) return;
  const std::string path = fresh_path();
  const auto complaint = [&](const char* json) {
    try {
      FolderCgroup::make({.path = path, .scope = "", .devices = {}}, runtime::parse_resources(json), v2)->remove();
    } catch (const base::Error& error) {
      return error.message();
    }
    return std::string{};
  };
  CHECK(complaint(R"({"unified":{"nonsense.max":"1"}})").find("does not have the nonsense controller") !=
        std::string::npos);
  CHECK(complaint(R"({"unified":{"cgroup.nonsense":"1"}})").find("cgroup.nonsense") != std::string::npos);
  CHECK(complaint(R"({"memory":{"swappiness":5}})").find("has no equivalent in cgroup v2") != std::string::npos);
  CHECK(complaint(R"({"unified":{"cgroup.max.depth":"5"},"devices":[{"allow":true}]})") == "");
}

TEST_CASE("removing a cgroup in use fails in the end and says why") {
  if (!needs(can_make_cgroups(), "cgroups that we may make")) return;
  const auto cgroup = make(fresh_path(), all_devices);
  auto cleanup = base::on_scope_exit([&] { cgroup->remove(); });
  base::Child child = idle_process();
  cgroup->add(child.pid());
  const std::string folder =
      cgroup->record().unified.empty() ? cgroup->record().legacy.front().second : cgroup->record().unified;
  CHECK_THROWS_WITH_AS(runtime::remove_cgroup(folder, std::chrono::steady_clock::now()),
                       doctest::Contains("it holds 1 process"), base::Error);
  child.send_signal(SIGKILL);
  child.wait();
}

TEST_CASE("what is not a cgroup is not taken for one") {
  const base::TempDir folder;
  CHECK_THROWS_AS(runtime::try_open_cgroup(folder.path()), base::Error);
  CHECK_FALSE(runtime::try_open_cgroup(folder.path() + "/absent"));
}

TEST_CASE("devices: cat of a device that is not allowed fails, that of an allowed one works") {
  if (!needs(can_make_cgroups(), "cgroups that we may make") || !needs(can_open_kmsg(), "/dev/kmsg that we may open"))
    return;
  // 1:11 is kmsg.
  const auto cgroup = make(fresh_path(), R"({"devices":[{"allow":false}]})");
  auto cleanup = base::on_scope_exit([&] { cgroup->remove(); });
  const std::string join = [&] {
    std::string text;
    if (!cgroup->record().unified.empty()) text = "echo $$ >" + cgroup->record().unified + "/cgroup.procs; ";
    for (const auto& [names, path] : cgroup->record().legacy) text += "echo $$ >" + path + "/cgroup.procs; ";
    return text;
  }();
  const auto shell = [&](const std::string& script) {
    return base::run_and_capture({.path = "/bin/sh", .argv = {"sh", "-c", join + script}}, std::chrono::seconds{20})
        .status.code;
  };
  CHECK(shell("head -c 1 /dev/zero >/dev/null") == 0);
  CHECK(shell("true </dev/kmsg") != 0);
  cgroup->set(R"({"devices":[{"allow":false},{"allow":true,"type":"c","major":1,"minor":11}]})");
  CHECK(shell("true </dev/kmsg") == 0);
  cgroup->set(R"({"devices":[]})");
  CHECK(shell("true </dev/kmsg") != 0);
}

TEST_CASE("the v2 device program passes the kernel's verifier, and a new one takes the place of the old") {
  Hierarchies v2 = runtime::find_hierarchies();
  if (!needs(can_make_cgroups() && v2.unified, "cgroup v2")) return;
  if (!needs(can_open_kmsg(), "/dev/kmsg that we may open")) return;
  v2.legacy.clear();
  const auto cgroup =
      FolderCgroup::make({.path = fresh_path(), .scope = "", .devices = {}}, runtime::parse_resources(all_devices), v2);
  auto cleanup = base::on_scope_exit([&] { cgroup->remove(); });
  const auto shell = [&](const std::string& script) {
    const std::string join = "echo $$ >" + cgroup->record().unified + "/cgroup.procs && ";
    return base::run_and_capture({.path = "/bin/sh", .argv = {"sh", "-c", join + script}}, std::chrono::seconds{20})
        .status.code;
  };
  const auto attach = [&](const char* json) {
    return runtime::attach_device_program(
        cgroup->clone_fd(), runtime::device_program(runtime::device_rules(runtime::parse_resources(json), {})));
  };
  REQUIRE(shell("true </dev/kmsg") == 0);
  const int code = attach(R"({"devices":[]})");
  if (!needs(code != EPERM && code != ENOSYS, "leave for bpf(2)")) return;
  REQUIRE(code == 0);
  CHECK(shell("true </dev/kmsg") != 0);
  CHECK(shell("head -c 1 /dev/zero >/dev/null") == 0);
  REQUIRE(attach(R"({"devices":[{"allow":true}]})") == 0);
  CHECK(shell("true </dev/kmsg") == 0);
}

TEST_CASE("a process for a cgroup that was divided joins the oldest below") {
  Hierarchies v2 = runtime::find_hierarchies();
  if (!needs(can_make_cgroups() && v2.unified, "cgroup v2")) return;
  const std::string all = base::read_file(AT_FDCWD, v2.unified->mount_point + "/cgroup.controllers", 4096);
  const std::string controller{base::split(base::trim(all), ' ').front()};
  if (!needs(!controller.empty(), "controller in cgroup v2")) return;
  v2.legacy.clear();
  const auto cgroup =
      FolderCgroup::make({.path = fresh_path(), .scope = "", .devices = {}}, runtime::parse_resources(all_devices), v2);
  auto cleanup = base::on_scope_exit([&] { cgroup->remove(); });
  base::Child first = idle_process(), second = idle_process();
  const std::string folder = cgroup->record().unified;
  REQUIRE(::mkdir((folder + "/init").c_str(), 0755) == 0);
  base::write_existing(AT_FDCWD, folder + "/init/cgroup.procs", std::to_string(first.pid()));
  base::write_existing(AT_FDCWD, folder + "/cgroup.subtree_control", "+" + controller);
  cgroup->add(second.pid());
  CHECK(read(folder + "/init/cgroup.procs").find(std::to_string(second.pid())) != std::string::npos);
  cgroup->kill_all();
  first.wait();
  second.wait();
}

TEST_CASE("an OOM kill is told to who watches") {
  if (!needs(can_make_cgroups(), "cgroups that we may make")) return;
  const auto cgroup = make(fresh_path(), all_devices);
  auto cleanup = base::on_scope_exit([&] { cgroup->remove(); });
  if (!needs(!folder_of(*cgroup, "memory").empty(), "memory controller")) return;
  cgroup->set(R"({"memory":{"limit":16777216}})");
  runtime::OomWatch watch = runtime::OomWatch::start(cgroup->record());
  CHECK(watch.take() == 0U);
  std::string join;
  if (!cgroup->record().unified.empty()) join = "echo $$ >" + cgroup->record().unified + "/cgroup.procs; ";
  for (const auto& [names, path] : cgroup->record().legacy) join += "echo $$ >" + path + "/cgroup.procs; ";
  base::run_and_capture(
      {.path = "/bin/sh", .argv = {"sh", "-c", join + "head -c 200000000 /dev/zero | tail -n 1 | wc -c"}},
      std::chrono::seconds{30});
  CHECK(watch.take().value_or(0) > 0);
  CHECK(cgroup->statistics().oom_kills.value_or(0) > 0);
  cgroup->remove();
  CHECK_FALSE(watch.take());
}
