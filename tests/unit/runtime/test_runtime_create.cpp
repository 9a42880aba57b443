#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "tests/unit/runtime/sample_container.hpp"

// Real containers with a busybox root file system. The CVE numbers are those of SECURITY-AND-DESIGN A.2: each case is
// built so that it fails when the rule behind it is broken.

namespace {

bool can_test() {
  if (why_no_containers().empty()) return true;
  MESSAGE("skipped: no container can be started here: ", why_no_containers());
  return false;
}

base::Error error_of(SampleContainer& container, const std::string& script) {
  try {
    const SampleContainer::Result result = container.run(script);
    FAIL("it ran and gave: ", result.output);
  } catch (const base::Error& error) {
    return error;
  }
  return base::Error{base::ErrorKind::internal, ""};
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

runtime::Mount bind(const std::string& destination, const std::string& source, std::vector<std::string> options) {
  options.push_back("rbind");
  return {destination, "bind", source, std::move(options)};
}

}  // namespace

TEST_CASE("a container has its own root, process ids, host name and nothing but its descriptors") {
  if (!can_test()) return;
  SampleContainer container;
  container.spec.hostname = "sample";
  const auto result = container.run("echo $$; hostname; ls /; for fd in /proc/self/fd/*; do echo $fd; done; exit 7");
  CHECK(result.code == 7);
  CHECK(result.output.starts_with("1\nsample\nbin\ndev\n"));
  CHECK(contains(result.output, "/proc/self/fd/2\n"));
  CHECK_FALSE(contains(result.output, "/proc/self/fd/4\n"));  // 3 is the directory that the shell lists
}

TEST_CASE("the process has no capability but those of the spec, none inherited, and no way to more") {
  if (!can_test()) return;
  SampleContainer container;
  const std::string output = container.run("grep -E 'Cap|NoNew' /proc/self/status").output;
  CHECK(contains(output, "CapInh:\t0000000000000000"));
  CHECK(contains(output, "CapBnd:\t0000000020000420"));
  CHECK(contains(output, "CapEff:\t0000000020000420"));
  CHECK(contains(output, "NoNewPrivs:\t1"));
}

TEST_CASE("a missing command is 127, one that cannot be executed 126") {
  if (!can_test()) return;
  SampleContainer container;
  container.write_file("plain", "x", 0644);
  container.write_file("elf",
                       "\x7f"
                       "ELF",
                       0755);
  struct Row {
    const char* command;
    base::ErrorKind kind;
    const char* text;
  };
  for (const Row& row :
       {Row{"nosuch", base::ErrorKind::command_not_found, "\"nosuch\": executable file not found in $PATH"},
        Row{"/bin/nosuch", base::ErrorKind::command_not_found, "/bin/nosuch"},
        Row{"/plain", base::ErrorKind::command_not_usable, "Permission denied"},
        Row{"/bin", base::ErrorKind::command_not_usable, "Permission denied"},
        Row{"/elf", base::ErrorKind::command_not_usable, "Exec format error"}}) {
    CAPTURE(row.command);
    container.spec.process.args = {row.command};
    const base::Error error = error_of(container, "");
    CHECK(error.kind() == row.kind);
    CHECK_MESSAGE(contains(error.message(), row.text), error.message());
  }
}

TEST_CASE("masked files read as empty, read-only paths refuse writing") {
  if (!can_test()) return;
  SampleContainer container;
  const auto result = container.run(
      "cat /proc/keys /proc/timer_list; stat -c %t:%T /proc/keys; ls /sys/firmware; touch /sys/firmware/x;"
      "echo x > /proc/sys/kernel/hostname; exit 0");
  CHECK(result.output.starts_with("1:3\n"));
  CHECK(contains(result.output, "/sys/firmware/x: Read-only file system"));
  CHECK(contains(result.output, "/proc/sys/kernel/hostname: Read-only file system"));
}

TEST_CASE("a link in place of /proc or /sys is refused and leads nowhere") {  // CVE-2019-19921, CVE-2023-27561
  if (!can_test()) return;
  for (const char* name : {"proc", "sys"}) {
    CAPTURE(name);
    SampleContainer container;
    REQUIRE(::mkdirat(container.root(), "other", 0755) == 0);
    REQUIRE(::symlinkat("other", container.root(), name) == 0);
    CHECK(contains(error_of(container, "true").message(), "symbolic link"));
  }
}

TEST_CASE("a link in place of /dev stays inside the root file system") {  // CVE-2026-41579
  if (!can_test()) return;
  SampleContainer container;
  const base::TempDir canary;
  REQUIRE(::symlinkat(canary.path().c_str(), container.root(), "dev") == 0);
  CHECK(container.run("ls /dev/null").code == 0);
  CHECK(base::list_directory(canary.fd(), ".").empty());
}

TEST_CASE("mount points behind links are made inside the root file system") {  // CVE-2019-18837, CVE-2025-24965
  if (!can_test()) return;
  SampleContainer container;
  const base::TempDir canary;
  container.write_file("source", "hello\n");
  REQUIRE(::mkdirat(container.root(), "etc", 0755) == 0);
  REQUIRE(::symlinkat((canary.path() + "/new").c_str(), container.root(), "etc/file") == 0);
  REQUIRE(::symlinkat(canary.path().c_str(), container.root(), "folder") == 0);
  container.spec.mounts.push_back(bind("/etc/file", container.root_path() + "/source", {"ro"}));
  container.spec.mounts.push_back({"/folder/tmp", "tmpfs", "tmpfs", {}});
  const auto result = container.run("cat /etc/file; touch /etc/file; touch /folder/tmp/x");
  CHECK(contains(result.output, "hello\n"));
  CHECK(contains(result.output, "Read-only file system"));
  CHECK(base::list_directory(canary.fd(), ".").empty());
}

TEST_CASE("nothing may be mounted inside procfs, by name or through a link") {  // CVE-2019-16884
  if (!can_test()) return;
  for (const char* destination : {"/proc/self", "/proc/sys/kernel", "/link/attr"}) {
    CAPTURE(destination);
    SampleContainer container;
    REQUIRE(::symlinkat("/proc/self", container.root(), "link") == 0);
    container.spec.mounts.push_back(bind(destination, "/tmp", {}));
    CHECK(contains(error_of(container, "true").message(), "procfs"));
  }
  SampleContainer container;
  container.spec.mounts[0] = bind("/proc", "/tmp", {});
  CHECK(contains(error_of(container, "true").message(), "procfs"));
}

TEST_CASE("a working directory outside the container is refused, a missing one is made") {  // CVE-2024-21626
  if (!can_test()) return;
  for (int fd = 3; fd < 16; ++fd) {
    SampleContainer container;
    container.spec.process.cwd = base::concat("/proc/self/fd/", fd);
    CHECK_FALSE(error_of(container, "true").message().empty());
  }
  SampleContainer container;
  container.spec.process.cwd = "/new/place";
  CHECK(container.run("pwd").output == "/new/place\n");
}

TEST_CASE("bind mounts honour their options, and tmpcopyup keeps what was there") {
  if (!can_test()) return;
  SampleContainer container;
  REQUIRE(::mkdirat(container.root(), "kept", 0755) == 0);
  container.write_file("kept/one", "1\n");
  container.spec.mounts.push_back({"/kept", "tmpfs", "tmpfs", {"size=64k", "tmpcopyup"}});
  container.spec.mounts.push_back(bind("/bound", "rootfs/bin", {"ro", "nosuid", "noexec"}));
  const auto result = container.run("cat /kept/one; touch /bound/x; /bound/busybox true; grep ' /bound ' /proc/mounts");
  CHECK(result.output.starts_with("1\n"));
  CHECK(contains(result.output, "/bound/x: Read-only file system"));
  CHECK(contains(result.output, "/bound/busybox: Permission denied"));
  CHECK(contains(result.output, " ro,nosuid,"));
  CHECK(base::exists(container.root(), "kept/one"));
}

TEST_CASE("what cannot be mounted is named with the kernel's reason") {
  if (!can_test()) return;
  SampleContainer container;
  container.spec.mounts.push_back({"/t", "tmpfs", "tmpfs", {"sizzle=1"}});
  CHECK(contains(error_of(container, "true").message(), "sizzle"));
  container.spec.mounts.back() = bind("/t", "/no/such/place", {});
  CHECK(contains(error_of(container, "true").message(), "/no/such/place"));
  container.spec.mounts.pop_back();
  container.spec.linux.devices = {{"/dev/null0", 'c', 251, 77, std::nullopt, 0, 0}};
  CHECK(contains(error_of(container, "true").message(), "/dev/null0"));
}

TEST_CASE("a read-only root refuses writing, and mount points were made before") {
  if (!can_test()) return;
  SampleContainer container;
  container.spec.root_readonly = true;
  const auto result = container.run("touch /x; touch /dev/shm/y && echo yes");
  CHECK(contains(result.output, "/x: Read-only file system"));
  CHECK(contains(result.output, "yes\n"));
}

TEST_CASE("sysctls reach the container's namespaces only") {
  if (!can_test()) return;
  SampleContainer container;
  container.spec.linux.namespaces.push_back({"network", ""});
  container.spec.linux.sysctl = {{"net.ipv4.ip_unprivileged_port_start", "81"}, {"kernel.msgmax", "9999"}};
  const auto result = container.run(
      "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax /sys/class/net/lo/operstate");
  CHECK(result.output == "81\n9999\nunknown\n");  // "unknown" is how the kernel calls a loopback that is up
}

TEST_CASE("descriptors are handed over from 3 on, and only as many as named") {
  if (!can_test()) return;
  SampleContainer container;
  container.write_file("given", "through\n");
  const base::UniqueFd file{::openat(container.root(), "given", O_RDONLY | O_CLOEXEC)};
  const base::UniqueFd secret{::openat(container.root(), "given", O_RDONLY)};  // inheritable by mistake
  container.adjust = [&](runtime::CreateRequest& request) { request.preserved_fds = {file.get()}; };
  const auto result = container.run("cat <&3; ls /proc/$$/fd; exit 0");
  CHECK(result.output == "through\n0\n1\n2\n3\n");
}

TEST_CASE("with a small init the program is not process 1, and its status is passed on") {
  if (!can_test()) return;
  SampleContainer container;
  container.adjust = [](runtime::CreateRequest& request) { request.tiny_init = true; };
  const auto result = container.run("echo $$; exit 9");
  CHECK(result.output == "2\n");
  CHECK(result.code == 9);
}

TEST_CASE("a further process joins the container and is our child") {
  if (!can_test()) return;
  SampleContainer container;
  container.spec.hostname = "joined";
  runtime::CreatedInit init = container.start({"sleep", "1000"});
  const auto result = container.exec(init, {"sh", "-c", "hostname; cat /proc/1/comm; ls /proc/$$/fd; exit 3"});
  CHECK(result.output == "joined\nsleep\n0\n1\n2\n");
  CHECK(result.code == 3);
  try {
    container.exec(init, {"nosuch"});
    FAIL("was executed");
  } catch (const base::Error& error) {
    CHECK(error.kind() == base::ErrorKind::command_not_found);
  }
}

TEST_CASE("a terminal is the container's own, the controlling one, and also its console") {
  if (!can_test()) return;
  SampleContainer container;
  container.spec.process.terminal = true;
  container.spec.process.console_size = {33, 77};
  runtime::CreatedInit init =
      container.start({"sh", "-c", "ls -l /proc/self/fd/0; stat -c %t:%T /dev/console; : > /dev/tty && echo owned"});
  REQUIRE(init.terminal);
  std::string output;
  char buffer[512];
  for (ssize_t got; (got = ::read(init.terminal.get(), buffer, sizeof buffer)) > 0;)
    output.append(buffer, static_cast<std::size_t>(got));
  CHECK(contains(output, "/dev/pts/0"));
  CHECK(contains(output, "88:0"));  // major 136, minor 0, in hexadecimal
  CHECK(contains(output, "owned"));
}

TEST_CASE("two containers can share namespaces by their paths, and a wrong path is refused") {
  if (!can_test()) return;
  SampleContainer first;
  first.spec.linux.namespaces.push_back({"network", ""});
  runtime::CreatedInit init = first.start({"sleep", "1000"});
  const std::string folder = base::concat("/proc/", init.process.pid(), "/ns/");
  SampleContainer second;
  for (runtime::Namespace& entry : second.spec.linux.namespaces)
    if (entry.type == "user" || entry.type == "pid") entry.path = folder + entry.type;
  second.spec.linux.namespaces.push_back({"network", folder + "net"});
  second.spec.linux.uid_mappings = second.spec.linux.gid_mappings = {};
  CHECK(contains(second.run("cat /proc/1/comm").output, "sleep"));
  second.spec.linux.namespaces.back().path = folder + "uts";
  CHECK(contains(error_of(second, "true").message(), "not a network namespace"));
}
