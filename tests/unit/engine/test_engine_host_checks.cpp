#include <doctest/doctest.h>
#include <fcntl.h>
#include <functional>
#include <map>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/doctor.hpp"
#include "engine/explain.hpp"
#include "engine/host_checks.hpp"

using engine::CheckStatus;
using engine::HostView;

namespace {

/// A host on which everything is as it should be; a test breaks one thing of it.
struct Host {
  base::TempDir folder;
  HostView view;

  Host() {
    view.root = folder.path();
    view.uid = 1000;
    view.user = "joe";
    view.home = "/home/joe";
    view.store = "/home/joe/.local/share/engine";
    view.run_dir = "/run/user/1000/engine";
    view.engine_path = "/usr/bin/engine";
    view.now = 1'800'000'000;
    view.environment = [](const char* name) -> std::optional<std::string> {
      if (std::string{name} == "XDG_RUNTIME_DIR") return "/run/user/1000";
      return std::nullopt;
    };
    const auto works = [] { return std::string{}; };
    view.probes = {works, works, works, works, works, works};
    view.driver = [] { return std::pair<std::string, std::string>{"overlay", ""}; };
    view.is_only_chroot = [] { return false; };
    view.store_place = [] { return std::vector<std::string>{}; };
    view.space = [](const std::string&) {
      return std::optional<HostView::Space>{
          {.free_bytes = 50ULL << 30, .all_bytes = 100ULL << 30, .free_inodes = 50, .all_inodes = 100}};
    };
    view.delegated_controllers = [] { return std::vector<std::string>{"cpu", "cpuset", "io", "memory", "pids"}; };
    view.cgroup_mode = [] { return std::string{"v2"}; };
    write("/etc/subuid", "anna:100000:65536\njoe:165536:65536\n");
    write("/etc/subgid", "anna:100000:65536\njoe:165536:65536\n");
    write("/etc/passwd", "root:x:0:0::/root:/bin/sh\njoe:x:1000:1000::/home/joe:/bin/sh\n");
    write("/etc/resolv.conf", "nameserver 10.0.0.1\n");
    write("/etc/ssl/certs/ca-certificates.crt", "-----BEGIN CERTIFICATE-----\n");
    write("/etc/containers/registries.conf", "unqualified-search-registries = [\"docker.io\"]\n");
    write("/proc/self/status", "Name:\tengine\nNoNewPrivs:\t0\nSeccomp:\t0\n");
    write("/proc/self/limits", "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024  4096  files\n");
    write("/proc/self/mountinfo", "22 1 0:20 / /proc rw - proc proc rw\n");
    write("/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
    write("/proc/sys/user/max_user_namespaces", "15000\n");
    write("/proc/sys/net/ipv4/ping_group_range", "0\t2147483647\n");
    write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "80\n");
    write("/run/systemd/system/x", "");
    write("/run/user/1000/bus", "");
    REQUIRE(::chmod((folder.path() + "/run/user/1000").c_str(), 0700) == 0);
    write("/var/lib/systemd/linger/joe", "");
    view.uid = ::geteuid() == 0 ? 1000 : ::geteuid();  // whoever runs the test owns its files
    if (view.uid != 1000) {
      write("/etc/passwd", base::concat("joe:x:", view.uid, ":1000::/home/joe:/bin/sh\n"));
      write(base::concat("/run/user/", view.uid, "/bus"), "");
    } else if (::geteuid() == 0) {
      for (const char* path : {"/run/user/1000", "/home"}) own(path);
    }
  }

  void own(const std::string& path) {
    if (::geteuid() == 0) static_cast<void>(::chown((folder.path() + path).c_str(), 1000, 1000));
  }

  void write(const std::string& path, const std::string& text) {
    const std::size_t end = path.rfind('/');
    const base::UniqueFd parent = base::make_directories(folder.fd(), path.substr(1, end - 1), 0755);
    base::write_file_atomically(parent.get(), path.substr(end + 1), text, base::Durability::volatile_);
  }
  void make_folder(const std::string& path, mode_t mode) {
    base::make_directories(folder.fd(), path.substr(1));
    REQUIRE(::chmod((folder.path() + path).c_str(), mode) == 0);
    own(path);
  }
  void remove(const std::string& path) { REQUIRE(::unlink((folder.path() + path).c_str()) == 0); }

  engine::CheckResult check(std::string_view id) const {
    for (const engine::HostCheck& one : engine::host_checks())
      if (one.id == id) return engine::run_check(one, view);
    FAIL("there is no such check");
    return {};
  }
};

struct Broken {
  CheckStatus status;
  std::string evidence;
  std::function<void(Host&)> break_it;
};

std::function<std::string()> says(const char* problem) {
  return [problem] { return std::string{problem}; };
}

/// For each check a host that is broken in that way.
const std::map<std::string, Broken> broken_hosts{
    {"subuid-range",
     {CheckStatus::problem, "no range for \"joe\"",
      [](Host& host) { host.write("/etc/subuid", "anna:100000:65536\n"); }}},
    {"subgid-range",
     {CheckStatus::warning, "only 10 ids", [](Host& host) { host.write("/etc/subgid", "joe:100000:10\n"); }}},
    {"subid-overlap",
     {CheckStatus::warning, "\"anna\"",
      [](Host& host) { host.write("/etc/subgid", "anna:100000:65536\njoe:165535:65536\n"); }}},
    {"newuidmap",
     {CheckStatus::problem, "not installed",
      [](Host& host) { host.view.probes.newuidmap = says("newuidmap is not installed"); }}},
    {"newgidmap",
     {CheckStatus::problem, "not setuid",
      [](Host& host) { host.view.probes.newgidmap = says("/usr/bin/newgidmap is not setuid root"); }}},
    {"no-new-privs",
     {CheckStatus::problem, "no_new_privs", [](Host& host) { host.write("/proc/self/status", "NoNewPrivs:\t1\n"); }}},
    {"passwd-entry",
     {CheckStatus::note, "no line", [](Host& host) { host.write("/etc/passwd", "root:x:0:0::/:/bin/sh\n"); }}},
    {"kernel-version",
     {CheckStatus::warning, "older than 5.11",
      [](Host& host) { host.write("/proc/sys/kernel/osrelease", "5.10.0-28-amd64\n"); }}},
    {"userns-limit",
     {CheckStatus::problem, "user.max_user_namespaces is 0",
      [](Host& host) { host.write("/proc/sys/user/max_user_namespaces", "0\n"); }}},
    {"userns-clone",
     {CheckStatus::problem, "unprivileged_userns_clone is 0",
      [](Host& host) { host.write("/proc/sys/kernel/unprivileged_userns_clone", "0\n"); }}},
    {"userns-apparmor",
     {CheckStatus::problem, "AppArmor",
      [](Host& host) { host.write("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n"); }}},
    {"userns",
     {CheckStatus::problem, "not permitted",
      [](Host& host) { host.view.probes.user_namespace = says("Operation not permitted"); }}},
    {"namespace-limits",
     {CheckStatus::warning, "user.max_net_namespaces is 0",
      [](Host& host) { host.write("/proc/sys/user/max_net_namespaces", "0\n"); }}},
    {"proc-masked",
     {CheckStatus::note, "/proc/kcore",
      [](Host& host) {
        host.write("/proc/self/mountinfo",
                   "22 1 0:20 / /proc rw - proc proc rw\n23 22 0:5 /null /proc/kcore rw - tmpfs x rw\n");
      }}},
    {"outer-seccomp",
     {CheckStatus::note, "Seccomp: 2",
      [](Host& host) { host.write("/proc/self/status", "NoNewPrivs:\t0\nSeccomp:\t2\n"); }}},
    {"rootfs-driver",
     {CheckStatus::warning, "copied",
      [](Host& host) {
        host.view.driver = [] { return std::pair<std::string, std::string>{"copy", "no native overlay"}; };
      }}},
    {"dev-fuse",
     {CheckStatus::note, "Permission denied",
      [](Host& host) { host.view.probes.open_fuse = says("/dev/fuse: Permission denied"); }}},
    {"store-place",
     {CheckStatus::warning, "no xattrs",
      [](Host& host) { host.view.store_place = [] { return std::vector<std::string>{"no xattrs"}; }; }}},
    {"store-owner",
     {CheckStatus::problem, "others can write",
      [](Host& host) { host.make_folder("/home/joe/.local/share/engine", 0777); }}},
    {"store-foreign",
     {CheckStatus::problem, "podman",
      [](Host& host) { host.make_folder("/home/joe/.local/share/engine/overlay-layers", 0700); }}},
    {"disk-space",
     {CheckStatus::warning, "only 10MB",
      [](Host& host) {
        host.view.space = [](const std::string&) {
          return std::optional<HostView::Space>{{10'000'000, 1ULL << 40, 50, 100}};
        };
      }}},
    {"disk-inodes",
     {CheckStatus::warning, "inodes",
      [](Host& host) {
        host.view.space = [](const std::string&) {
          return std::optional<HostView::Space>{{50ULL << 30, 100ULL << 30, 1, 100}};
        };
      }}},
    {"runtime-dir",
     {CheckStatus::note, "not set",
      [](Host& host) { host.view.environment = [](const char*) { return std::optional<std::string>{}; }; }}},
    {"linger", {CheckStatus::note, "linger/joe", [](Host& host) { host.remove("/var/lib/systemd/linger/joe"); }}},
    {"user-bus",
     {CheckStatus::warning, "/bus",
      [](Host& host) { host.remove(base::concat("/run/user/", host.view.uid, "/bus")); }}},
    {"cgroup-mode", {CheckStatus::warning, "hybrid", [](Host& host) { host.view.cgroup_mode = says("hybrid"); }}},
    {"cgroup-delegation",
     {CheckStatus::note, "cpuset io",
      [](Host& host) {
        host.view.delegated_controllers = [] { return std::vector<std::string>{"cpu", "memory", "pids"}; };
      }}},
    {"open-files",
     {CheckStatus::warning, "only 64",
      [](Host& host) { host.write("/proc/self/limits", "Max open files            64  64  files\n"); }}},
    {"clock", {CheckStatus::problem, "years behind", [](Host& host) { host.view.now = 0; }}},
    {"network-helper",
     {CheckStatus::warning, "slirp4netns",
      [](Host& host) { host.view.probes.network_helper = says("neither slirp4netns nor pasta is installed"); }}},
    {"dev-tun",
     {CheckStatus::warning, "/dev/net/tun",
      [](Host& host) { host.view.probes.open_tun = says("/dev/net/tun: No such file or directory"); }}},
    {"ping",
     {CheckStatus::note, "ping_group_range",
      [](Host& host) { host.write("/proc/sys/net/ipv4/ping_group_range", "1\t0\n"); }}},
    {"low-ports",
     {CheckStatus::note, "is 1024",
      [](Host& host) { host.write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "1024\n"); }}},
    {"name-servers",
     {CheckStatus::warning, "names no server",
      [](Host& host) { host.write("/etc/resolv.conf", "# empty\nsearch example.org\n"); }}},
    {"local-name-server",
     {CheckStatus::warning, "does not run",
      [](Host& host) { host.write("/etc/resolv.conf", "nameserver 127.0.0.53\noptions edns0\n"); }}},
    {"certificates",
     {CheckStatus::warning, "no certificates", [](Host& host) { host.remove("/etc/ssl/certs/ca-certificates.crt"); }}},
    {"proxies",
     {CheckStatus::warning, "no address",
      [](Host& host) {
        host.view.environment = [](const char* name) {
          return std::string{name} == "http_proxy" ? std::optional<std::string>{"http://"} : std::nullopt;
        };
      }}},
    {"containers-conf",
     {CheckStatus::problem, "containers.conf",
      [](Host& host) { host.write("/etc/containers/containers.conf", "[engine\n"); }}},
    {"storage-conf",
     {CheckStatus::problem, "storage.conf",
      [](Host& host) { host.write("/home/joe/.config/containers/storage.conf", "driver = \n"); }}},
    {"engine-conf",
     {CheckStatus::problem, "engine.conf", [](Host& host) { host.write("/etc/containers/engine.conf", "=\n"); }}},
    {"registries-conf",
     {CheckStatus::problem, "registries.conf",
      [](Host& host) { host.write("/etc/containers/registries.conf", "[[registry]\n"); }}},
    {"short-names",
     {CheckStatus::note, "short names",
      [](Host& host) { host.write("/etc/containers/registries.conf", "short-name-mode = \"enforcing\"\n"); }}},
    {"policy", {CheckStatus::problem, "default", [](Host& host) { host.write("/etc/containers/policy.json", "{}"); }}},
    {"auth-file",
     {CheckStatus::warning, "others can read",
      [](Host& host) {
        host.write("/home/joe/.docker/config.json", R"({"auths":{"quay.io":{"auth":"am9lOng="}}})");
        REQUIRE(::chmod((host.view.root + "/home/joe/.docker/config.json").c_str(), 0644) == 0);
      }}},
    {"cdi",
     {CheckStatus::warning, "/dev/nvidia0",
      [](Host& host) {
        host.write(
            "/etc/cdi/nvidia.json",
            R"({"cdiVersion":"0.5.0","kind":"nvidia.com/gpu","devices":[{"name":"0","containerEdits":{"deviceNodes":[{"path":"/dev/nvidia0"}]}}]})");
      }}},
    {"seccomp-profile",
     {CheckStatus::problem, "defaultAction", [](Host& host) { host.write("/etc/containers/seccomp.json", "{}"); }}},
};

}  // namespace

TEST_CASE("a good host gives no finding") {
  const Host host;
  for (const engine::HostCheck& check : engine::host_checks()) {
    CAPTURE(std::string{check.id});
    const engine::CheckResult result = engine::run_check(check, host.view);
    CAPTURE(result.evidence);
    CHECK(result.status == CheckStatus::ok);
    CHECK_FALSE(result.evidence.empty());
  }
}

TEST_CASE("each check finds the host that is broken in its way, and says what follows and what helps") {
  std::set<std::string> checked;
  for (const engine::HostCheck& check : engine::host_checks()) {
    CAPTURE(std::string{check.id});
    const auto broken = broken_hosts.find(std::string{check.id});
    REQUIRE(broken != broken_hosts.end());
    CHECK(checked.insert(broken->first).second);
    Host host;
    broken->second.break_it(host);
    const engine::CheckResult result = host.check(check.id);
    CAPTURE(result.evidence);
    CHECK(result.status == broken->second.status);
    CHECK(result.evidence.find(broken->second.evidence) != std::string::npos);
    CHECK_FALSE(result.consequence.empty());
    CHECK((check.id == "outer-seccomp" || !result.remedy.empty()));
  }
  CHECK(checked.size() == broken_hosts.size());
}

TEST_CASE("a name server on the loopback is told of where somebody answers there, and no warning") {
  Host host;
  host.write("/run/systemd/resolve/resolv.conf", "nameserver 10.0.0.1\n");
  host.write("/etc/resolv.conf", "nameserver 127.0.0.53\n");
  CHECK(host.check("local-name-server").status == CheckStatus::note);
  host.write("/etc/resolv.conf", "nameserver 127.0.0.53\nnameserver 10.0.0.1\n");
  CHECK(host.check("local-name-server").status == CheckStatus::ok);
}

TEST_CASE("where containers are only a chroot that is said, and no package promised to help") {
  Host host;
  host.view.is_only_chroot = [] { return true; };
  host.view.driver = [] { return std::pair<std::string, std::string>{"copy", "nothing can be mounted"}; };
  CHECK(host.check("rootfs-driver").script.empty());
  host.write("/proc/sys/user/max_user_namespaces", "0\n");
  for (const char* id : {"rootfs-driver", "userns-limit"})
    CHECK(host.check(id).consequence.find("only a chroot") != std::string::npos);
}

TEST_CASE("without mount namespaces there is no container, without others it shares the host's") {
  for (const char* kind : {"mnt", "pid", "net", "ipc", "uts", "cgroup"}) {
    CAPTURE(kind);
    Host host;
    host.write(base::concat("/proc/sys/user/max_", kind, "_namespaces"), "0\n");
    const bool is_needed = std::string_view{kind} == "mnt";
    const engine::CheckResult found = host.check("namespace-limits");
    CHECK(found.status == (is_needed ? CheckStatus::problem : CheckStatus::warning));
    CHECK((found.consequence == "no container can be started") == is_needed);
  }
}

TEST_CASE("a helper that is there and does not start is another finding than none") {
  Host host;
  host.view.probes.network_helper = says("slirp4netns: cannot open shared library");
  CHECK(host.check("network-helper").evidence.find("does not start") != std::string::npos);
  CHECK(host.check("network-helper").script.empty());
}

TEST_CASE("root needs neither ranges nor helpers") {
  Host host;
  host.view.uid = 0;
  host.remove("/etc/subuid");
  host.view.probes.newuidmap = says("not installed");
  for (const char* id : {"subuid-range", "newuidmap"}) CHECK(host.check(id).status == CheckStatus::ok);
}

TEST_CASE("what needs root is one script, each part once") {
  Host host;
  host.write("/proc/sys/user/max_user_namespaces", "0\n");
  host.view.probes.newuidmap = host.view.probes.newgidmap = says("it is not installed");
  std::vector<engine::Diagnosis> findings;
  for (const engine::HostCheck& check : engine::host_checks())
    findings.push_back({std::string{check.id}, std::string{check.title}, engine::run_check(check, host.view)});
  const std::string script = engine::root_script_of(findings);
  CHECK(script.rfind("#!/bin/sh\nset -e\n", 0) == 0);
  CHECK(script.find("sysctl -w user.max_user_namespaces=15000") != std::string::npos);
  const std::size_t first = script.find("apt-get install uidmap");
  REQUIRE(first != std::string::npos);
  CHECK(script.find("apt-get install uidmap", first + 1) == std::string::npos);
}

TEST_CASE("kinds of failures have stable names of their own, and only checks that exist") {
  std::set<std::string_view> ids, checks;
  for (const engine::HostCheck& check : engine::host_checks()) checks.insert(check.id);
  for (const engine::FailureKind& kind : engine::known_failures()) {
    CAPTURE(std::string{kind.id});
    CHECK(ids.insert(kind.id).second);
    CHECK_FALSE((kind.meaning.empty() || kind.remedy.empty() || kind.words.front().empty()));
    for (const std::string_view check : kind.checks) CHECK((check.empty() || checks.count(check) == 1));
  }
  CHECK(ids.size() >= 30);
}

TEST_CASE("a failure is known by the words of its message") {
  const std::map<std::string, std::string> kinds{
      {"making a user namespace: Operation not permitted", "userns-forbidden"},
      {"alpin: image not known", "image-not-known"},
      {"https://quay.io: unauthorized: access to the requested resource is not authorized", "login-needed"},
      {"the container name \"web\" is already in use by 1234", "name-in-use"},
      {"blob sha256:aa is not what its digest says", "blob-damaged"},
      {"publishing port 80/tcp: Address already in use", "port-in-use"},
      {"opening \"/srv\": Permission denied", "permission-denied"},
      {"writing \"layer\": No space left on device", "no-space"},
      {"executing \"sh\": executable file not found in $PATH", "command-not-found"},
  };
  for (const auto& [message, id] : kinds) {
    CAPTURE(message);
    const engine::FailureKind* kind = engine::kind_of_failure(message);
    REQUIRE(kind != nullptr);
    CHECK(kind->id == id);
  }
  CHECK(engine::kind_of_failure("something else went wrong") == nullptr);
}
