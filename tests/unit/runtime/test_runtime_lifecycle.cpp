#include <algorithm>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/scope_exit.hpp"
#include "tests/unit/runtime/sample_container.hpp"

// What happens around a container's first process: hooks, cgroups, clocks, namespaces of others.

namespace {

constexpr std::size_t max_text_bytes = 1 << 20;

bool can_test() {
  if (why_no_containers().empty()) return true;
  MESSAGE("skipped: no container can be started here: ", why_no_containers());
  return false;
}

/// A container with hooks that write to files of `notes`.
struct HookedContainer {
  HookedContainer() {
    container.adjust = [this](runtime::CreateRequest& request) { request.hooks_for = &told; };
    told.bundle = container.path();
  }

  runtime::Hook shell(const std::string& script) const {
    return {.path = "/bin/sh", .args = {"sh", "-c", "cd " + notes.path() + "; " + script}};
  }
  std::string note(const std::string& name) const { return base::read_file(notes.fd(), name, max_text_bytes); }
  base::JsonAt state(const std::string& name) const { return base::JsonAt::parse(note(name), name); }
  std::string problem() {
    try {
      container.run("true");
    } catch (const base::Error& error) {
      return error.message();
    }
    return "";
  }

  base::TempDir notes;
  SampleContainer container;
  runtime::HookContainer told{.oci_version = "1.0.2", .id = "hooked", .bundle = "", .annotations = {}};
};

std::string own_namespace(const char* type) {
  char target[64] = {};
  const ssize_t size = ::readlink(base::concat("/proc/self/ns/", type).c_str(), target, sizeof target);
  return size > 0 ? std::string(target, static_cast<std::size_t>(size)) : "";
}

bool is_gone(std::int64_t pid) {
  return ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH;
}

}  // namespace

TEST_CASE("hooks before the start run in their order, each in its namespaces") {
  if (!can_test()) return;
  HookedContainer hooked;
  runtime::Hooks& hooks = hooked.container.spec.hooks;
  hooks.prestart = {hooked.shell("cat > prestart; echo 1 >> order; readlink /proc/self/ns/mnt > outside")};
  hooks.create_runtime = {hooked.shell("cat > runtime; echo 2 >> order")};
  hooks.create_container = {hooked.shell("cat > container; echo 3 >> order; readlink /proc/self/ns/mnt > inside; ls " +
                                         hooked.container.root_path() + "/proc/self > proc; hostname > name")};
  hooks.start_container = {{.path = "/bin/sh", .args = {"sh", "-c", "cat > /state; echo $$ > /pid"}}};
  hooked.container.spec.hostname = "inner";
  const auto result = hooked.container.run("cat /state");
  CHECK(hooked.note("order") == "1\n2\n3\n");
  CHECK(hooked.note("outside") == own_namespace("mnt") + "\n");
  CHECK(hooked.note("inside") != own_namespace("mnt") + "\n");
  CHECK(hooked.note("name") == "inner\n");
  CHECK(hooked.note("proc").find("status") != std::string::npos);
  CHECK(hooked.state("prestart").at("status").string() == "creating");
  CHECK(hooked.state("runtime").at("pid").integer() > 1);
  CHECK(hooked.state("container").at("pid").integer() == 1);
  CHECK(hooked.state("container").at("id").string() == "hooked");
  const auto inside = base::JsonAt::parse(result.output, "state in the container");
  CHECK(inside.at("status").string() == "created");
  CHECK(inside.at("pid").integer() == 1);
}

TEST_CASE("a createContainer hook writes to a root that is read-only for the container, and mounts in it") {
  if (!can_test()) return;
  HookedContainer hooked;
  const std::string root = hooked.container.root_path();
  hooked.container.spec.root_readonly = true;
  hooked.container.spec.hooks.create_container = {hooked.shell("echo made > " + root + "/made && mkdir " + root +
                                                               "/mounted && mount -t tmpfs none " + root +
                                                               "/mounted && echo seen > " + root + "/mounted/file")};
  const auto result = hooked.container.run("cat /made /mounted/file; touch /x");
  CHECK(result.output.starts_with("made\nseen\n"));
  CHECK(result.output.find("Read-only") != std::string::npos);
  CHECK_FALSE(base::exists(hooked.container.root(), "mounted/file"));
}

TEST_CASE("a failing hook is named, and nothing of the container is left") {
  if (!can_test()) return;
  for (const char* point : {"prestart", "createRuntime", "createContainer"}) {
    CAPTURE(point);
    HookedContainer hooked;
    runtime::Hooks& hooks = hooked.container.spec.hooks;
    hooks.prestart = {hooked.shell("cat > state")};
    auto& list = point == std::string_view{"prestart"}        ? hooks.prestart
                 : point == std::string_view{"createRuntime"} ? hooks.create_runtime
                                                              : hooks.create_container;
    list.push_back(hooked.shell("exit 4"));
    CHECK(hooked.problem().find(base::concat(point, " hook \"/bin/sh\": ended with status 4")) != std::string::npos);
    CHECK(is_gone(hooked.state("state").at("pid").integer()));
  }
}

TEST_CASE("hooks without anybody to tell of are refused, not forgotten") {
  if (!can_test()) return;
  SampleContainer container;
  container.spec.hooks.start_container = {{.path = "/bin/true"}};
  CHECK_THROWS_AS(container.run("true"), base::Error);
}

// The kernel gives /proc/PID/fd of a process that is not dumpable to root, since nobody else may look into it.
TEST_CASE("hooks can look into init, but for one among another container's processes") {  // CVE-2016-9962
  if (!can_test()) return;
  if (::geteuid() == 0) {
    MESSAGE("skipped: everything of this process belongs to root either way");
    return;
  }
  const auto owner_in = [](HookedContainer& hooked) {
    hooked.container.spec.hooks.create_runtime = {
        hooked.shell("stat -c %u /proc/$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/')/fd > owner")};
    CHECK(hooked.container.run("true").code == 0);
    return hooked.note("owner");
  };
  HookedContainer alone;
  CHECK(owner_in(alone) == base::concat(::geteuid(), "\n"));
  SampleContainer first;
  const runtime::CreatedInit init = first.start({"sleep", "1000"});
  HookedContainer guest;
  for (runtime::Namespace& entry : guest.container.spec.linux.namespaces)
    if (entry.type == "user" || entry.type == "pid")
      entry.path = base::concat("/proc/", init.process.pid(), "/ns/", entry.type);
  CHECK(owner_in(guest) == "0\n");
}

TEST_CASE("a container without a process is created, and cannot be started") {
  if (!can_test()) return;
  SampleContainer container;
  container.spec.has_process = false;
  container.spec.process = {};
  CHECK_THROWS_AS(container.run(""), base::Error);
  base::Pipe start = base::make_pipe();
  runtime::CreatedInit init = container.create(start.read_end.get());
  CHECK(::kill(init.process.pid(), 0) == 0);
  base::write_all(start.write_end.get(), "s");
  CHECK_THROWS_AS(runtime::wait_for_exec(init), base::Error);
}

TEST_CASE("clocks of a new time namespace are ahead by the offsets") {
  if (!can_test()) return;
  if (::access("/proc/self/timens_offsets", F_OK) != 0) {
    MESSAGE("skipped: this kernel has no time namespaces");
    return;
  }
  SampleContainer container;
  container.spec.linux.namespaces.push_back({"time", ""});
  container.spec.linux.time_offsets = {{"boottime", 1'000'000'000, 0}, {"monotonic", 5, 7}};
  const auto result = container.run("cat /proc/uptime; cat /proc/self/timens_offsets; echo $$");
  CHECK(result.output.starts_with("10"));
  CHECK(result.output.find("\n1\n") != std::string::npos);
  const auto uptime = base::parse_unsigned(result.output.substr(0, result.output.find('.')));
  REQUIRE(uptime);
  CHECK(*uptime >= 1'000'000'000);
}

TEST_CASE("clocks that the kernel refuses are an error that names them") {
  if (!can_test()) return;
  SampleContainer container;
  container.spec.linux.namespaces.push_back({"time", ""});
  container.spec.linux.time_offsets = {{"monotonic", -4'000'000'000, 0}};
  try {
    container.run("true");
    FAIL("was accepted");
  } catch (const base::Error& error) {
    CHECK(error.message().find("timeOffsets") != std::string::npos);
  }
}

TEST_CASE("every kind of namespace can be another container's") {
  if (!can_test()) return;
  SampleContainer first;
  first.spec.hostname = "first";
  first.spec.linux.namespaces.push_back({"network", ""});
  first.spec.linux.namespaces.push_back({"time", ""});
  const runtime::CreatedInit init = first.start({"sleep", "1000"});
  const std::string folder = base::concat("/proc/", init.process.pid(), "/ns/");
  SampleContainer second;
  second.spec.linux.uid_mappings = second.spec.linux.gid_mappings = {};
  second.spec.hostname = "";  // one is set also where the namespace is another's
  second.spec.linux.namespaces = {{"user", folder + "user"}};
  for (const auto& [type, file] : {std::pair{"pid", "pid"},
                                   {"ipc", "ipc"},
                                   {"uts", "uts"},
                                   {"network", "net"},
                                   {"cgroup", "cgroup"},
                                   {"time", "time"},
                                   {"mount", "mnt"}})
    second.spec.linux.namespaces.push_back({type, folder + file});
  const std::string script =
      "hostname; cat /proc/1/comm; for n in user pid ipc uts net cgroup time mnt; do busybox readlink "
      "/proc/self/ns/$n; "
      "done; ls /here";
  REQUIRE(::mkdirat(second.root(), "here", 0755) == 0);
  second.write_file("here/mine", "");
  const auto result = second.run(script);
  CHECK(result.output.starts_with("first\nsleep\n"));
  CHECK(result.output.find("mine\n") != std::string::npos);
  for (const char* file : {"user", "pid", "ipc", "uts", "net", "cgroup", "time", "mnt"}) {
    char target[64] = {};
    REQUIRE(::readlink((folder + file).c_str(), target, sizeof target) > 0);
    CHECK_MESSAGE(result.output.find(target) != std::string::npos, target, " in ", result.output);
  }
  CHECK(base::read_file(AT_FDCWD, base::concat("/proc/", init.process.pid(), "/mountinfo"), max_text_bytes)
            .find("/here") == std::string::npos);
}

TEST_CASE("with a user namespace joined, new ones of the other kinds belong to it") {
  if (!can_test()) return;
  SampleContainer first;
  const runtime::CreatedInit init = first.start({"sleep", "1000"});
  SampleContainer second;
  for (runtime::Namespace& entry : second.spec.linux.namespaces)
    if (entry.type == "user") entry.path = base::concat("/proc/", init.process.pid(), "/ns/user");
  second.spec.linux.namespaces.push_back({"network", ""});
  second.spec.linux.namespaces.push_back({"time", ""});
  second.spec.linux.time_offsets = {{"boottime", 1000, 0}};
  second.spec.hostname = "second";
  const auto result = second.run("hostname; echo $$; id -u; cat /sys/class/net/lo/operstate");
  CHECK(result.output.starts_with("second\n1\n0\n"));
}

TEST_CASE("a container's processes are in its cgroup before anything else, also those that come later") {
  if (!can_test()) return;
  if (::geteuid() != 0) {
    MESSAGE("skipped: only root makes cgroups without delegation");
    return;
  }
  const runtime::Hierarchies hierarchies = runtime::find_hierarchies();
  if (!hierarchies.unified && hierarchies.legacy.empty()) {
    MESSAGE("skipped: no cgroups are mounted here");
    return;
  }
  SampleContainer container;
  std::erase_if(container.spec.linux.namespaces,
                [](const runtime::Namespace& entry) { return entry.type == "cgroup"; });
  const auto cgroup = runtime::Cgroup::make(
      runtime::plan_cgroup({.container_id = "unit-lifecycle", .cgroups_path = "/engine-unit-lifecycle"}));
  const auto remove = base::on_scope_exit([&] { cgroup->remove(); });
  container.adjust = [&](runtime::CreateRequest& request) { request.cgroup = cgroup.get(); };
  CHECK(container.run("cat /proc/self/cgroup").output.find("/engine-unit-lifecycle\n") != std::string::npos);
  container.spec.linux.namespaces.push_back({"cgroup", ""});
  const runtime::CreatedInit init = container.start({"sleep", "1000"});
  const auto members = cgroup->processes();
  CHECK(std::find(members.begin(), members.end(), init.process.pid()) != members.end());
  container.adjust_exec = [&](runtime::ExecRequest& request) { request.cgroup = cgroup.get(); };
  const std::string inside = container.exec(init, {"cat", "/proc/self/cgroup"}).output;
  for (const std::string_view line : base::split(base::trim(inside), '\n')) {
    CAPTURE(line);
    CHECK(line.ends_with(":/"));  // it was in the cgroup before its namespace was made there
  }
}

TEST_CASE("root's new user namespace and a network of the host's go together") {
  if (!can_test()) return;
  if (::geteuid() != 0) {
    MESSAGE("skipped: only root may join what belongs to the host");
    return;
  }
  SampleContainer first;
  first.spec.linux.namespaces = {{"mount", ""}, {"pid", ""}, {"network", ""}};
  first.spec.linux.uid_mappings = first.spec.linux.gid_mappings = {};
  first.spec.hostname = "";
  const runtime::CreatedInit init = first.start({"sleep", "1000"});
  const std::string path = base::concat("/proc/", init.process.pid(), "/ns/net");
  SampleContainer second;
  second.spec.linux.namespaces.push_back({"network", path});
  char target[64] = {};
  REQUIRE(::readlink(path.c_str(), target, sizeof target) > 0);
  const auto result = second.run("busybox readlink /proc/self/ns/net; echo $$; busybox readlink /proc/self/ns/user");
  CHECK(result.output.starts_with(base::concat(target, "\n1\n")));
  CHECK(result.output.find(own_namespace("user")) == std::string::npos);
}

TEST_CASE("a further process gets the CPUs and the personality that it was asked to get") {
  if (!can_test()) return;
  SampleContainer container;
  const runtime::CreatedInit init = container.start({"sleep", "1000"});
  const auto cpus = [&](runtime::CpuAffinity affinity) {
    container.adjust_exec = [&](runtime::ExecRequest& request) {
      request.process.exec_cpu_affinity = affinity;
      request.personality = "LINUX32";
    };
    return container.exec(init, {"sh", "-c", "grep Cpus_allowed_list /proc/self/status; busybox uname -m"}).output;
  };
  CHECK(cpus({"0", ""}) == "Cpus_allowed_list:\t0\ni686\n");
  CHECK_THROWS_AS(cpus({"8000", ""}), base::Error);
  if (::sysconf(_SC_NPROCESSORS_ONLN) > 1) CHECK(cpus({"0", "1"}) == "Cpus_allowed_list:\t1\ni686\n");
}

TEST_CASE("a label that the kernel does not take is an error, also for a further process") {
  if (!can_test()) return;
  if (::access("/sys/fs/selinux/enforce", F_OK) == 0) {
    MESSAGE("skipped: SELinux might know the label");
    return;
  }
  SampleContainer container;
  const runtime::CreatedInit init = container.start({"sleep", "1000"});
  container.adjust_exec = [](runtime::ExecRequest& request) { request.process.selinux_label = "no:such:label:s0"; };
  try {
    container.exec(init, {"true"});
    FAIL("was executed without its label");
  } catch (const base::Error& error) {
    CHECK(error.message().find("label") != std::string::npos);
  }
}
