#include <doctest/doctest.h>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "runtime/spec.hpp"

namespace {

// A small valid config.json, into which the tables below put one line each.
std::string config(std::string_view process, std::string_view rest) {
  return base::concat(R"({"ociVersion":"1.0.2","root":{"path":"rootfs"},"process":{"args":["sh"],"cwd":"/")", process,
                      "}", rest, "}");
}

std::string linux_part(std::string_view text) {
  return config("", base::concat(R"(,"linux":{)", text, "}"));
}

std::string problem_of(const std::string& json) {
  try {
    runtime::parse_spec(json, "config");
  } catch (const base::Error& error) {
    return error.message();
  }
  return "";
}

struct Invalid {
  std::string json;
  std::string_view named;  // what the message has to name
};

void check_all_refused(const std::vector<Invalid>& table) {
  for (const Invalid& row : table) {
    CAPTURE(row.json);
    const std::string problem = problem_of(row.json);
    CHECK_MESSAGE(!problem.empty(), "was accepted");
    CHECK_MESSAGE(problem.find(row.named) != std::string::npos, problem);
    CHECK(problem.find('\n') == std::string::npos);
  }
}

}  // namespace

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
      {R"({"ociVersion":1,"root":{"path":"r"}})", "ociVersion"},
      {R"({"ociVersion":"1.0.2","root":{"path":""}})", "root.path"},
      {R"({"ociVersion":"1.0.2","root":{"path":7}})", "root.path"},
      {R"({"ociVersion":"1.0.2","root":{"path":"a\u0000b"}})", "NUL"},
      {R"({"ociVersion":"1.0.2","root":{"path":"r","readonly":"yes"}})", "root.readonly"},
      {R"({"ociVersion":"1.0.2","ociVersion":"1.0.2","root":{"path":"r"}})", "ociVersion"},
  });
}

TEST_CASE("an invalid process is refused in one line") {
  const auto with = [](std::string_view process) {
    return base::concat(R"({"ociVersion":"1.0.2","root":{"path":"r"},"process":)", process, "}");
  };
  check_all_refused({
      {with("[]"), "process"},
      {with(R"({"cwd":"/"})"), "process.args"},
      {with(R"({"args":[],"cwd":"/"})"), "process.args"},
      {with(R"({"args":[""],"cwd":"/"})"), "process.args"},
      {with(R"({"args":"sh","cwd":"/"})"), "process.args"},
      {with(R"({"args":["a\u0000"],"cwd":"/"})"), "NUL"},
      {with(R"({"args":["sh"]})"), "process.cwd"},
      {with(R"({"args":["sh"],"cwd":"tmp"})"), "process.cwd"},
      {with(R"({"args":["sh"],"cwd":""})"), "process.cwd"},
      {config(R"(,"env":["A=1\u0000B"])", ""), "NUL"},
      {config(R"(,"terminal":1)", ""), "process.terminal"},
      {config(R"(,"consoleSize":{"height":70000,"width":1})", ""), "process.consoleSize"},
      {config(R"(,"user":{"uid":-1})", ""), "process.user.uid"},
      {config(R"(,"user":{"uid":4294967295})", ""), "process.user.uid"},
      {config(R"(,"user":{"uid":4294967296})", ""), "process.user.uid"},
      {config(R"(,"user":{"uid":"0"})", ""), "process.user.uid"},
      {config(R"(,"user":{"gid":1.5})", ""), "process.user.gid"},
      {config(R"(,"user":{"umask":1024})", ""), "process.user.umask"},
      {config(R"(,"user":{"additionalGids":[-1]})", ""), "additionalGids[0]"},
      {config(R"(,"capabilities":{"bounding":["KILL"]})", ""), "capabilities.bounding[0]"},
      {config(R"(,"capabilities":{"effective":"CAP_KILL"})", ""), "capabilities.effective"},
      {config(R"(,"rlimits":[{"type":"RLIMIT_X","soft":1,"hard":1}])", ""), "rlimits[0].type"},
      {config(R"(,"rlimits":[{"type":"RLIMIT_CPU","soft":2,"hard":1}])", ""), "rlimits[0].soft"},
      {config(R"(,"rlimits":[{"type":"RLIMIT_CPU","soft":1}])", ""), "rlimits[0].hard"},
      {config(R"(,"rlimits":[{"type":"RLIMIT_CPU","soft":1,"hard":1},{"type":"RLIMIT_CPU","soft":1,"hard":1}])", ""),
       "rlimits[1].type"},
      {config(R"(,"oomScoreAdj":1001)", ""), "process.oomScoreAdj"},
      {config(R"(,"oomScoreAdj":-1001)", ""), "process.oomScoreAdj"},
      {config(R"(,"noNewPrivileges":"true")", ""), "process.noNewPrivileges"},
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
      {mount(R"({"destination":"/a"},{"destination":"/a"})"), "mounts[1].destination"},
      {mount(R"({"destination":"/a","uidMappings":[]})"), "mounts[0].uidMappings"},
      {config("", R"(,"mounts":{})"), "mounts"},
      {config("", R"(,"hostname":"h")"), "hostname"},
      {config("", R"(,"domainname":"d")"), "domainname"},
      {config("", base::concat(R"(,"hostname":")", std::string(65, 'a'), R"(")")), "hostname"},
      {config("", R"(,"hooks":{"prestart":[{"path":"x"}]})"), "hooks.prestart[0].path"},
      {config("", R"(,"hooks":{"prestart":[{"path":"/x","timeout":0}]})"), "timeout"},
      {config("", R"(,"hooks":{"poststop":{}})"), "hooks.poststop"},
      {config("", R"(,"annotations":{"":"x"})"), "annotations"},
      {config("", R"(,"annotations":{"a":1})"), "annotations"},
  });
}

TEST_CASE("an invalid linux part is refused in one line") {
  const std::string user = R"("namespaces":[{"type":"user"}],)";
  const auto maps = [&](std::string_view uids, std::string_view gids) {
    return linux_part(base::concat(user, R"("uidMappings":[)", uids, R"(],"gidMappings":[)", gids, "]"));
  };
  const std::string good = R"({"containerID":0,"hostID":1,"size":1})";
  check_all_refused({
      {linux_part(R"("namespaces":[{"type":"net"}])"), "namespaces[0].type"},
      {linux_part(R"("namespaces":[{"type":"time"}])"), "namespaces[0].type"},
      {linux_part(R"("namespaces":[{}])"), "namespaces[0].type"},
      {linux_part(R"("namespaces":[{"type":"pid","path":"x"}])"), "namespaces[0].path"},
      {linux_part(R"("namespaces":[{"type":"pid"},{"type":"pid"}])"), "namespaces[1].type"},
      {maps(good, ""), "uidMappings"},
      {maps(R"({"containerID":0,"hostID":1,"size":0})", good), "size"},
      {maps(R"({"containerID":4294967294,"hostID":1,"size":2})", good), "size"},
      {maps(R"({"containerID":0,"hostID":4294967290,"size":100})", good), "size"},
      {maps(R"({"containerID":0,"hostID":1,"size":4294967296})", good), "size"},
      {maps(base::concat(good, ",", good), good), "uidMappings[1]"},
      {linux_part(base::concat(R"("uidMappings":[)", good, R"(],"gidMappings":[)", good, "]")), "uidMappings"},
      {linux_part(R"("devices":[{"path":"dev","type":"c","major":1,"minor":1}])"), "devices[0].path"},
      {linux_part(R"("devices":[{"path":"/d/../e","type":"c","major":1,"minor":1}])"), "devices[0].path"},
      {linux_part(R"("devices":[{"path":"/d","type":"x","major":1,"minor":1}])"), "devices[0].type"},
      {linux_part(R"("devices":[{"path":"/d","type":"c","minor":1}])"), "devices[0].major"},
      {linux_part(R"("devices":[{"path":"/d","type":"c","major":1,"minor":1,"fileMode":2541}])"), "fileMode"},
      {linux_part(R"("devices":[{"path":"/d","type":"p"},{"path":"/d","type":"p"}])"), "devices[1].path"},
      {linux_part(R"("sysctl":{"kernel.core_pattern":"|x"})"), "kernel.core_pattern"},
      {linux_part(R"("sysctl":{"net.ipv4.ip_forward":"1"})"), "network"},
      {linux_part(R"("namespaces":[{"type":"network"}],"sysctl":{"net.x":"1\n2"})"), "net.x"},
      {linux_part(R"("namespaces":[{"type":"network"}],"sysctl":{"net/../kernel/x":"1"})"), "net/../kernel/x"},
      {linux_part(R"("namespaces":[{"type":"network"}],"sysctl":{"net.x y":"1"})"), "net.x y"},
      {linux_part(R"("namespaces":[{"type":"ipc"}],"sysctl":{"kernel.shmmax+kernel.x":"1"})"), "kernel.shmmax+"},
      {linux_part(R"("rootfsPropagation":"half")"), "rootfsPropagation"},
      {linux_part(R"("maskedPaths":["proc"])"), "maskedPaths[0]"},
      {linux_part(R"("readonlyPaths":["proc/sys"])"), "readonlyPaths[0]"},
      {linux_part(R"("seccomp":[])"), "seccomp"},
      {linux_part(R"("resources":7)"), "resources"},
      {linux_part(R"("personality":{"domain":"LINUX32"})"), "personality.domain"},
      {linux_part(R"("intelRdt":{})"), "intelRdt"},
      {linux_part(R"("timeOffsets":{})"), "timeOffsets"},
  });
}

TEST_CASE("a config.json beyond the size or depth limit is refused") {
  CHECK_FALSE(problem_of(std::string(runtime::max_spec_bytes + 1, ' ')).empty());
  CHECK_FALSE(problem_of(config("", base::concat(R"(,"x":)", std::string(70, '['), std::string(70, ']')))).empty());
}
