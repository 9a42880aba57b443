#include <doctest/doctest.h>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "cmd/oci_folder.hpp"

namespace {

cmd::OciState some_state(const std::string& id) {
  cmd::OciState state;
  state.id = id;
  state.oci_version = "1.0.2";
  state.bundle = "/b";
  state.is_creating = true;
  state.created = "2026-01-02T03:04:05Z";
  state.owner = ::geteuid();
  state.rootfs = "/b/rootfs";
  state.annotations = {{"a", "1"}};
  state.cgroup.unified = "/sys/fs/cgroup/none-such";
  state.cgroup.legacy = {{"cpu,cpuacct", "/sys/fs/cgroup/cpu/none-such"}};
  state.cgroup.inodes = {{"/sys/fs/cgroup/none-such", 18446744073709551615U}, {"/sys/fs/cgroup/cpu/none-such", 7}};
  state.cgroup.scope = "x.scope";
  state.cgroup.user_runtime_dir = "/run/user/1";
  state.cgroup.delegated = "inner";
  state.rdt = {
      .group = "/sys/fs/resctrl/gold", .is_ours = true, .monitor_group = "/sys/fs/resctrl/gold/mon_groups/one"};
  state.cgroup.manager = runtime::CgroupManager::systemd;
  state.command = "/bin/true";
  state.cwd = "/work";
  state.has_poststop = true;
  return state;
}

}  // namespace

TEST_CASE("a state that was written is read again with all its fields") {
  cmd::OciState state = some_state("one");
  state.process = {.pid = 77, .start_time = 123456789, .inode = 18446744073709551615U};
  state.maker = {.pid = 78, .start_time = 123456790, .inode = 5};
  const cmd::OciState read = cmd::parse_oci_state(cmd::write_oci_state(state), "one");
  CHECK(read.id == state.id);
  CHECK(read.is_creating);
  CHECK(read.process == state.process);
  CHECK(read.maker == state.maker);
  CHECK(read.annotations == state.annotations);
  CHECK(read.cgroup.manager == state.cgroup.manager);
  CHECK(read.cgroup.unified == state.cgroup.unified);
  CHECK(read.cgroup.legacy == state.cgroup.legacy);
  CHECK(read.cgroup.inodes == state.cgroup.inodes);
  CHECK(read.cgroup.scope == state.cgroup.scope);
  CHECK(read.cgroup.user_runtime_dir == state.cgroup.user_runtime_dir);
  CHECK(read.cgroup.delegated == "inner");
  CHECK(read.rdt.group == state.rdt.group);
  CHECK(read.rdt.is_ours);
  CHECK(read.rdt.monitor_group == state.rdt.monitor_group);
  CHECK(read.command == state.command);
  CHECK(read.cwd == state.cwd);
  CHECK_FALSE(read.has_poststart);
  CHECK(read.has_poststop);
}

TEST_CASE("a damaged state names its container") {
  for (const char* text : {"", "{}", "[]", R"({"version":2})"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH_AS(cmd::parse_oci_state(text, "one"), doctest::Contains("state of \"one\""), base::Error);
  }
}

TEST_CASE("a folder appears complete and locked, and its id is taken once") {
  const base::TempDir root;
  {
    const cmd::LockedContainer made = cmd::make_oci_folder(root.path(), some_state("one"), "{}");
    CHECK(base::exists(root.fd(), "one/state.json"));
    CHECK(base::exists(root.fd(), "one/config.json"));
    CHECK_FALSE(cmd::lock_oci_container_for(root.path(), "one", std::chrono::milliseconds{0}));
    CHECK_THROWS_WITH_AS(cmd::make_oci_folder(root.path(), some_state("one"), "{}"), doctest::Contains("exists"),
                         base::Error);
  }
  CHECK(cmd::lock_oci_container_for(root.path(), "one", std::chrono::milliseconds{0}));
  CHECK(cmd::list_oci_containers(root.path()).size() == 1);
}

TEST_CASE("whoever waited for a container that was deleted is told so, also when the id was used again") {
  const base::TempDir root;
  std::optional<cmd::LockedContainer> first = cmd::make_oci_folder(root.path(), some_state("one"), "{}");
  std::string found;
  std::thread waiter{[&] {
    try {
      found = cmd::lock_oci_container(root.path(), "one").container.state.bundle;
    } catch (const base::Error& error) {
      found = error.message();
    }
  }};
  cmd::remove_oci_folder(root.path(), std::move(*first));
  first.reset();
  waiter.join();
  CHECK(found == "container \"one\" does not exist");
  CHECK(base::list_directory(root.fd(), ".") == std::vector<std::string>{"~lock"});
}

TEST_CASE("what a killed process left behind is swept, what is at work stays") {
  const base::TempDir root;
  base::make_directories(root.fd(), "~dead/sub");
  base::make_directory(root.fd(), "~alive");
  const base::UniqueFd alive = base::open_directory(root.fd(), "~alive");
  const base::FileLock lock = base::FileLock::acquire(alive.get(), "lock", base::FileLock::Mode::exclusive);
  cmd::remove_oci_folder(root.path(), cmd::make_oci_folder(root.path(), some_state("one"), "{}"));
  CHECK(base::list_directory(root.fd(), ".") == std::vector<std::string>{"~alive", "~lock"});
}

TEST_CASE("a container waits for start as long as a process reads the FIFO") {
  const base::TempDir root;
  const cmd::LockedContainer made = cmd::make_oci_folder(root.path(), some_state("one"), "{}");
  const int dir = made.container.dir.get();
  CHECK_FALSE(cmd::waits_for_start(dir));
  CHECK_FALSE(cmd::answer_start(dir, cmd::start_byte));
  {
    const base::UniqueFd process = cmd::open_fifo(dir, cmd::start_fifo);
    CHECK(cmd::waits_for_start(dir));
    CHECK(cmd::answer_start(dir, cmd::start_byte));
    char byte = 0;
    CHECK(base::read_some(process.get(), &byte, 1) == 1);
    CHECK(byte == cmd::start_byte);
  }
  CHECK_FALSE(cmd::waits_for_start(dir));
}

TEST_CASE("one damaged folder does not hide the others") {
  const base::TempDir root;
  cmd::make_oci_folder(root.path(), some_state("one"), "{}");
  cmd::make_oci_folder(root.path(), some_state("two"), "{}");
  const base::UniqueFd one = base::open_directory(root.fd(), "one");
  base::write_file_atomically(one.get(), "state.json", "{", base::Durability::volatile_);
  const auto listed = cmd::list_oci_containers(root.path());
  REQUIRE(listed.size() == 1);
  CHECK(listed.front().state.id == "two");
}

TEST_CASE("ids are selected by an extended regular expression") {
  const base::TempDir root;
  for (const char* id : {"web-1", "web-2", "db"}) cmd::make_oci_folder(root.path(), some_state(id), "{}");
  CHECK(cmd::select_oci_containers(root.path(), "^web-[0-9]+$", true).size() == 2);
  CHECK(cmd::select_oci_containers(root.path(), "db", false).size() == 1);
  CHECK_THROWS_AS(cmd::select_oci_containers(root.path(), "nothing", true), base::Error);
  CHECK_THROWS_AS(cmd::select_oci_containers(root.path(), "(", true), base::Error);
}

TEST_CASE("a process of another time is not the container's, whatever its inode") {
  cmd::OciState state = some_state("one");
  state.process = base::identify_or_none(::getpid());
  CHECK(cmd::open_oci_process(state));
  ++state.process.start_time;
  CHECK(!cmd::open_oci_process(state));
}
