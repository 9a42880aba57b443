#include <doctest/doctest.h>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "runtime/spec.hpp"
#include "tests/unit/runtime/spec_document.hpp"

TEST_CASE("the smallest config.json is read") {
  const runtime::Spec spec = runtime::parse_spec(config("", ""), "config");
  CHECK(spec.process.args == std::vector<std::string>{"sh"});
  CHECK(spec.root_path == "rootfs");
  CHECK_FALSE(spec.process.terminal);
  CHECK(spec.linux.namespaces.empty());
}

TEST_CASE("every field of config.json that we know is read") {
  const runtime::Spec spec = runtime::parse_spec(
      R"({"ociVersion":"1.1.0-rc.1","root":{"path":"/r","readonly":true},"hostname":"h","domainname":"d",
      "process":{"terminal":true,"consoleSize":{"height":24,"width":80},"user":{"uid":5,"gid":6,"umask":18,
      "additionalGids":[7,8]},"args":["a","b"],"env":["X=1"],"cwd":"/w","capabilities":{"bounding":["CAP_KILL"]},
      "rlimits":[{"type":"RLIMIT_NOFILE","soft":1,"hard":18446744073709551615}],"noNewPrivileges":true,
      "oomScoreAdj":-5,"apparmorProfile":"p","selinuxLabel":"s"},
      "mounts":[{"destination":"/proc","type":"proc","source":"proc","options":["nosuid"]},{"destination":"rel"}],
      "hooks":{"poststop":[{"path":"/bin/x","args":["x"],"timeout":3}]},"annotations":{"k":"v"},
      "linux":{"uidMappings":[{"containerID":0,"hostID":1000,"size":1}],
      "gidMappings":[{"containerID":0,"hostID":1000,"size":1}],
      "namespaces":[{"type":"user"},{"type":"uts"},{"type":"ipc"},{"type":"network","path":"/run/n"}],
      "devices":[{"path":"/dev/x","type":"c","major":10,"minor":229,"fileMode":438}],
      "sysctl":{"net.ipv4.ip_forward":"1","kernel.msgmax":"9"},"cgroupsPath":"a:b:c","rootfsPropagation":"rslave",
      "maskedPaths":["/m"],"readonlyPaths":["/o"],"seccomp":{"defaultAction":"SCMP_ACT_ALLOW"},
      "resources":{"pids":{"limit":3}}}})",
      "config");
  CHECK(spec.process.console_size.width == 80);
  CHECK(spec.process.user.umask == 18u);
  CHECK(spec.process.user.additional_gids == std::vector<std::uint32_t>{7, 8});
  CHECK(spec.process.rlimits.at(0).hard == UINT64_MAX);
  CHECK(spec.process.oom_score_adj == -5);
  CHECK(spec.mounts.at(1).destination == "/rel");
  CHECK(spec.hooks.poststop.at(0).timeout_seconds == 3u);
  CHECK(spec.linux.namespaces.at(3).path == "/run/n");
  CHECK(spec.linux.devices.at(0).file_mode == 0666u);
  CHECK(spec.linux.sysctl.size() == 2);
  CHECK(spec.linux.seccomp_json == R"({"defaultAction":"SCMP_ACT_ALLOW"})");
  CHECK(spec.linux.resources_json == R"({"pids":{"limit":3}})");
  CHECK(spec.root_readonly);
}

TEST_CASE("every version 1 is accepted, older and newer ones") {
  for (const char* version :
       {"1.0.0", "1.0.0-rc5", "1.0.2-dev", "1.2.1", "1.99.0", "1.1.0-rc.1+build.7", "1.0.0-a-b"}) {
    CAPTURE(version);
    CHECK(problem_of(base::concat(R"({"ociVersion":")", version, R"(","root":{"path":"r"}})")).empty());
  }
}

TEST_CASE("a document without a process is for create, and is written back so") {
  const runtime::Spec spec = runtime::parse_spec(R"({"ociVersion":"1.0.2","root":{"path":"r"}})", "config");
  CHECK_FALSE(spec.has_process);
  CHECK(runtime::write_spec(spec).find("process") == std::string::npos);
}

TEST_CASE("sections of other platforms are ignored beside a linux one") {
  CHECK(problem_of(config("", R"(,"linux":{},"windows":{"x":1},"vm":{},"solaris":{},"zos":{})")).empty());
}

TEST_CASE("the same destination may be mounted twice, in the order of the list") {
  const runtime::Spec spec = runtime::parse_spec(
      config("", R"(,"mounts":[{"destination":"/a","source":"1"},{"destination":"/a"}])"), "config");
  CHECK(spec.mounts.at(0).source == "1");
  CHECK(spec.mounts.at(1).destination == "/a");
}

TEST_CASE("what is written is read back the same") {
  for (const bool rootless : {false, true}) {
    runtime::Spec spec = runtime::example_spec(rootless);
    spec.process.console_size = {25, 132};
    spec.process.user.umask = 022;
    spec.process.user.additional_gids = {5, 6};
    spec.process.oom_score_adj = 0;
    spec.process.args = {"sh", "-c", "echo \"\xc3\xa4\"\n\t", ""};
    spec.annotations = {{"a", "1"}, {"b", ""}};
    spec.hooks.prestart = {{"/bin/hook", {"hook"}, {"A=1"}, 5}};
    spec.linux.devices = {{"/dev/fuse", 'c', 10, 229, 0666, 1, 2}, {"/dev/pipe", 'p', 0, 0, std::nullopt, 0, 0}};
    spec.linux.seccomp_json = R"({"defaultAction":"SCMP_ACT_ERRNO"})";
    spec.linux.cgroups_path = "/x";
    spec.process.scheduler = {"SCHED_DEADLINE", {"SCHED_FLAG_RESET_ON_FORK"}, 0, 0, 5000, 6000, 7000};
    spec.process.io_priority = {"IOPRIO_CLASS_BE", 7};
    spec.process.exec_cpu_affinity = {"0-1", "1"};
    spec.mounts.push_back({"/m", "bind", "/m", {"rbind", "idmap"}, {{0, 1000, 5}}, {{0, 1001, 5}}});
    spec.linux.namespaces.push_back({"time", ""});
    if (rootless) spec.linux.namespaces.push_back({"network", "/n"});
    spec.linux.time_offsets = {{"monotonic", -7, 5}, {"boottime", 1'000'000, 0}};
    spec.linux.personality = "LINUX32";
    spec.linux.net_devices = {{"eth0", "inside%d"}, {"eth1", "eth1"}};
    spec.linux.memory_policy = {"MPOL_BIND", "0-1", {"MPOL_F_STATIC_NODES"}};
    const std::string json = runtime::write_spec(spec);
    CHECK(runtime::write_spec(runtime::parse_spec(json, "config")) == json);
    CHECK(runtime::write_spec(runtime::parse_spec(runtime::write_spec_indented(spec), "config")) == json);
  }
}

TEST_CASE("a rootless example asks for a user namespace and for nothing that needs root") {
  const runtime::Spec spec = runtime::example_spec(true);
  CHECK(runtime::has_namespace(spec, "user"));
  CHECK_FALSE(runtime::has_namespace(spec, "network"));
  CHECK(spec.linux.uid_mappings.size() == 1);
  CHECK_FALSE(runtime::has_namespace(runtime::example_spec(false), "user"));
}

TEST_CASE("properties that nobody knows are ignored") {
  CHECK(problem_of(config(R"(,"later":{"x":1})", R"(,"ext":[1])")).empty());
}

TEST_CASE("a config.json that is no such document is refused in one line") {
  check_all_refused({
      {"", "config"},
      {"[]", "config"},
      {"{", "config"},
      {R"({"ociVersion":"1.0.2"})", "root"},
      {R"({"root":{"path":"r"}})", "ociVersion"},
      {R"({"ociVersion":"2.0.0","root":{"path":"r"}})", "ociVersion"},
      {R"({"ociVersion":"one","root":{"path":"r"}})", "ociVersion"},
      {R"({"ociVersion":"1.0","root":{"path":"r"}})", "ociVersion"},
      {R"({"ociVersion":"1.0.02","root":{"path":"r"}})", "ociVersion"},
      {R"({"ociVersion":"1.0.2-","root":{"path":"r"}})", "ociVersion"},
      {R"({"ociVersion":"1.0.2-rc.01","root":{"path":"r"}})", "ociVersion"},
      {R"({"ociVersion":"1.0.2+","root":{"path":"r"}})", "ociVersion"},
      {R"({"ociVersion":"v1.0.2","root":{"path":"r"}})", "ociVersion"},
      {R"({"ociVersion":"10.0.0","root":{"path":"r"}})", "ociVersion"},
      {R"({"ociVersion":"1.0.2","root":{"path":"r"},"linux":[]})", "linux"},
      {R"({"ociVersion":"1.0.2","root":{"path":"r"},"windows":{}})", "windows"},
      {R"({"ociVersion":1,"root":{"path":"r"}})", "ociVersion"},
      {R"({"ociVersion":"1.0.2","root":{"path":""}})", "root.path"},
      {R"({"ociVersion":"1.0.2","root":{"path":7}})", "root.path"},
      {R"({"ociVersion":"1.0.2","root":{"path":"a\u0000b"}})", "NUL"},
      {R"({"ociVersion":"1.0.2","root":{"path":"r","readonly":"yes"}})", "root.readonly"},
      {R"({"ociVersion":"1.0.2","ociVersion":"1.0.2","root":{"path":"r"}})", "ociVersion"},
  });
}

TEST_CASE("an invalid mount, hook or name is refused in one line") {
  const auto mount = [](std::string_view text) { return config("", base::concat(R"(,"mounts":[)", text, "]")); };
  check_all_refused({
      {mount("{}"), "mounts[0].destination"},
      {mount(R"({"destination":""})"), "mounts[0].destination"},
      {mount(R"({"destination":"/a/../b"})"), "mounts[0].destination"},
      {mount(R"({"destination":"/a\u0000"})"), "NUL"},
      {mount(R"({"destination":"/a","options":"ro"})"), "mounts[0].options"},
      {mount(R"({"destination":"/a","options":[1]})"), "mounts[0].options[0]"},
      {mount(R"({"destination":"/a","type":[]})"), "mounts[0].type"},
      {mount(R"({"destination":"/a","uidMappings":[{"containerID":0,"hostID":1,"size":1}]})"), "mounts[0]"},
      {mount(R"({"destination":"/a","gidMappings":[{"containerID":0,"hostID":1}]})"), "gidMappings[0].size"},
      {mount("7"), "mounts[0]"},
      {config("", R"(,"mounts":{})"), "mounts"},
      {config("", R"(,"hostname":"h")"), "hostname"},
      {config("", R"(,"domainname":"d")"), "domainname"},
      {config("", base::concat(R"(,"hostname":")", std::string(65, 'a'), R"(")")), "hostname"},
      {config("", R"(,"hooks":{"prestart":[{"path":"x"}]})"), "hooks.prestart[0].path"},
      {config("", R"(,"hooks":{"prestart":[{"path":"/x","timeout":0}]})"), "timeout"},
      {config("", R"(,"hooks":{"poststop":{}})"), "hooks.poststop"},
      {config("", R"(,"hooks":[])"), "hooks"},
      {config("", R"(,"hooks":{"createRuntime":[{}]})"), "hooks.createRuntime[0].path"},
      {config("", R"(,"hooks":{"createContainer":[{"path":"/x","timeout":-1}]})"), "createContainer[0].timeout"},
      {config("", R"(,"hooks":{"startContainer":[{"path":"/x","args":"x"}]})"), "startContainer[0].args"},
      {config("", R"(,"hooks":{"poststart":[{"path":"/x","env":[1]}]})"), "poststart[0].env[0]"},
      {config("", R"(,"annotations":{"":"x"})"), "annotations"},
      {config("", R"(,"annotations":{"a":1})"), "annotations"},
  });
}

TEST_CASE("a config.json beyond the size or depth limit is refused") {
  CHECK_FALSE(problem_of(std::string(runtime::max_spec_bytes + 1, ' ')).empty());
  CHECK_FALSE(problem_of(config("", base::concat(R"(,"x":)", std::string(70, '['), std::string(70, ']')))).empty());
}
