#include <doctest/doctest.h>

#include "runtime/seccomp.hpp"
#include "runtime/spec.hpp"
#include "runtime/spec_linux.hpp"
#include "tests/unit/runtime/spec_document.hpp"

TEST_CASE("an invalid linux part is refused in one line") {
  const std::string user = R"("namespaces":[{"type":"user"}],)";
  const auto maps = [&](std::string_view uids, std::string_view gids) {
    return linux_part(base::concat(user, R"("uidMappings":[)", uids, R"(],"gidMappings":[)", gids, "]"));
  };
  const std::string good = R"({"containerID":0,"hostID":1,"size":1})";
  check_all_refused({
      {linux_part(R"("namespaces":[{"type":"net"}])"), "namespaces[0].type"},
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
      {linux_part(R"("devices":[{"path":"/d","type":"p"},{"path":"/d","type":"c","major":1,"minor":1}])"),
       "devices[1].path"},
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
      {linux_part(R"("resources":{"memory":{"limit":"1"}})"), "linux.resources"},
      {linux_part(R"("intelRdt":[])"), "intelRdt"},
      {linux_part(R"("namespaces":[{"type":"user"}])"), "uidMappings"},
      {maps(R"({"containerID":0,"hostID":1,"size":1},{"containerID":5,"hostID":1,"size":1})", good), "uidMappings[1]"},
  });
}

TEST_CASE("invalid clocks, personalities, memory policies and network devices are refused in one line") {
  const auto offsets = [](std::string_view text) {
    return linux_part(base::concat(R"("namespaces":[{"type":"time"}],"timeOffsets":)", text));
  };
  const auto devices = [](std::string_view text) {
    return linux_part(base::concat(R"("namespaces":[{"type":"network"}],"netDevices":)", text));
  };
  check_all_refused({
      {offsets("[]"), "timeOffsets"},
      {offsets(R"({"realtime":{"secs":1}})"), "realtime"},
      {offsets(R"({"monotonic":1})"), "timeOffsets.monotonic"},
      {offsets(R"({"monotonic":{"secs":"1"}})"), "timeOffsets.monotonic.secs"},
      {offsets(R"({"boottime":{"nanosecs":1000000000}})"), "timeOffsets.boottime.nanosecs"},
      {offsets(R"({"boottime":{"nanosecs":-1}})"), "timeOffsets.boottime.nanosecs"},
      {linux_part(R"("timeOffsets":{"monotonic":{"secs":1}})"), "timeOffsets"},
      {linux_part(R"("namespaces":[{"type":"time","path":"/t"}],"timeOffsets":{"monotonic":{"secs":1}})"),
       "timeOffsets"},
      {linux_part(R"("personality":{})"), "personality.domain"},
      {linux_part(R"("personality":{"domain":"BSD"})"), "personality.domain"},
      {linux_part(R"("personality":{"domain":"LINUX","flags":["X"]})"), "personality.flags"},
      {linux_part(R"("memoryPolicy":{})"), "memoryPolicy.mode"},
      {linux_part(R"("memoryPolicy":{"mode":"BIND"})"), "memoryPolicy"},
      {linux_part(R"("memoryPolicy":{"mode":"MPOL_BIND"})"), "memoryPolicy"},
      {linux_part(R"("memoryPolicy":{"mode":"MPOL_LOCAL","nodes":"0"})"), "memoryPolicy.nodes"},
      {linux_part(R"("memoryPolicy":{"mode":"MPOL_BIND","nodes":"a"})"), "memoryPolicy"},
      {linux_part(R"("memoryPolicy":{"mode":"MPOL_BIND","nodes":"0","flags":["X"]})"), "memoryPolicy"},
      {linux_part(R"("netDevices":{"eth0":{}})"), "netDevices"},
      {devices("[]"), "netDevices"},
      {devices(R"({"eth0":7})"), "netDevices.eth0"},
      {devices(R"({"":{}})"), "netDevices"},
      {devices(R"({"eth%d":{}})"), "netDevices"},
      {devices(R"({"sixteen-letters-":{}})"), "netDevices"},
      {devices(R"({"eth0":{"name":"a/b"}})"), "netDevices.eth0.name"},
      {devices(R"({"eth0":{"name":"a b"}})"), "netDevices.eth0.name"},
      {devices(R"({"eth0":{"name":"a%s"}})"), "netDevices.eth0.name"},
      {devices(R"({"eth0":{"name":"a%d%d"}})"), "netDevices.eth0.name"},
      {devices(R"({"eth0":{"name":"x"},"eth1":{"name":"x"}})"), "netDevices.eth1"},
  });
}

TEST_CASE("clocks, personality, memory policy and network devices are read") {
  const runtime::Linux read = runtime::parse_spec(linux_part(R"("namespaces":[{"type":"time"},{"type":"network"}],
      "timeOffsets":{"monotonic":{"secs":-3},"boottime":{"secs":4,"nanosecs":5}},"personality":{"domain":"LINUX32"},
      "memoryPolicy":{"mode":"MPOL_INTERLEAVE","nodes":"0-2"},"netDevices":{"a":{},"b":{"name":"c%d"}})"),
                                                  "config")
                                  .linux;
  REQUIRE(read.time_offsets.size() == 2);
  CHECK(read.time_offsets[0].seconds == -3);
  CHECK(read.time_offsets[1].nanoseconds == 5);
  CHECK(read.personality == "LINUX32");
  CHECK(read.memory_policy->nodes == "0-2");
  CHECK(read.net_devices == std::vector<std::pair<std::string, std::string>>{{"a", "a"}, {"b", "c%d"}});
}

TEST_CASE("what other tools write without meaning it is accepted") {
  const std::string one = R"([{"containerID":0,"hostID":0,"size":1}])";  // podman, beside a namespace to join
  CHECK(problem_of(linux_part(base::concat(R"("namespaces":[{"type":"user","path":"/u"}],"uidMappings":)", one,
                                           R"(,"gidMappings":)", one)))
            .empty());
  const runtime::Spec spec = runtime::parse_spec(linux_part(R"("devices":[{"path":"/d","type":"c","major":1,"minor":3},
      {"path":"/d","type":"c","major":1,"minor":3}])"),
                                                 "config");
  CHECK(spec.linux.devices.size() == 1);
}

TEST_CASE("sysctls belong to namespaces, by either way of writing them") {
  CHECK(runtime::namespace_of_sysctl("net/ipv4/ip_forward") == "network");
  CHECK(runtime::namespace_of_sysctl("fs.mqueue.msg_max") == "ipc");
  CHECK(runtime::namespace_of_sysctl("kernel.domainname") == "uts");
  CHECK(runtime::namespace_of_sysctl("kernel.panic").empty());
}

TEST_CASE("a built-in seccomp profile is found again in what was written") {
  const std::string profile = runtime::default_profile_json({"CAP_CHOWN", "CAP_KILL"});
  runtime::Spec spec = runtime::example_spec(true);
  spec.linux.seccomp_json = profile;
  const runtime::Spec again = runtime::parse_spec(runtime::write_spec(spec), "config");
  CHECK(again.linux.seccomp_json == profile);
  CHECK(again.linux.masked_paths == spec.linux.masked_paths);
}

TEST_CASE("what stands for a profile that was taken out means nothing to others") {
  const std::string profile = runtime::default_profile_json({"CAP_CHOWN"});
  check_all_refused({
      {linux_part(R"("seccomp":"built-in")"), "seccomp"},
      {linux_part(base::concat(R"("seccomp":"built-in","x":{"seccomp":)", profile, "}")), "seccomp"},
      {linux_part(base::concat(R"("seccomp":)", profile, R"(,"seccomp":{})")), "seccomp"},
  });
  const std::string elsewhere = linux_part(base::concat(R"("x":{"seccomp":)", profile, "}"));
  CHECK(runtime::parse_spec(elsewhere, "config").linux.seccomp_json.empty());
}
