#include <algorithm>
#include <doctest/doctest.h>
#include <set>

#include "base/error.hpp"
#include "base/json.hpp"
#include "cmd/oci_features.hpp"
#include "cmd/oci_help.hpp"
#include "cmd/oci_runtime.hpp"
#include "runtime/mount_options.hpp"
#include "runtime/process_attributes.hpp"
#include "runtime/seccomp_names.hpp"
#include "runtime/seccomp_rules.hpp"
#include "runtime/spec.hpp"

// features.md: whatever is in the structure must be recognized in config.json.

namespace {

base::JsonAt features() {
  return base::JsonAt::parse(cmd::features_json(), "features");
}

runtime::Spec spec_with(const std::string& members, const std::string& linux_members = "") {
  return runtime::parse_spec(
      base::concat(R"({"ociVersion":"1.0.2","root":{"path":"r"})", members, R"(,"linux":{)", linux_members, "}}"),
      "config.json");
}

runtime::SeccompProfile profile_with(const std::string& members) {
  return runtime::parse_seccomp(
      base::JsonAt::parse(base::concat(R"({"defaultAction":"SCMP_ACT_ALLOW")", members, "}"), "profile"));
}

}  // namespace

TEST_CASE("both ends of the range of versions are accepted") {
  for (const char* end : {"ociVersionMin", "ociVersionMax"}) {
    const std::string json =
        base::concat(R"({"ociVersion":")", features().at(end).string(), R"(","root":{"path":"r"}})");
    CHECK_NOTHROW(runtime::parse_spec(json, "config.json"));
  }
}

TEST_CASE("each mount option is one the parser takes for its own, not for data of a file system") {
  const auto names = features().at("mountOptions").strings();
  CHECK(names.size() > 50);
  // These belong to the file system, but every one has them.
  const std::set<std::string> of_all{"async", "dirsync", "lazytime", "mand", "nolazytime", "nomand", "sync"};
  for (const std::string& name : names) {
    CAPTURE(name);
    CHECK((of_all.contains(name) || runtime::parse_mount_options({name}).data.empty()));
  }
  CHECK_FALSE(runtime::parse_mount_options({"made-up"}).data.empty());
}

TEST_CASE("each hook is read") {
  for (const std::string& name : features().at("hooks").strings()) {
    CAPTURE(name);
    const runtime::Hooks hooks = spec_with(base::concat(R"(,"hooks":{")", name, R"(":[{"path":"/h"}]})")).hooks;
    CHECK(hooks.prestart.size() + hooks.create_runtime.size() + hooks.create_container.size() +
              hooks.start_container.size() + hooks.poststart.size() + hooks.poststop.size() ==
          1);
  }
}

TEST_CASE("each namespace is known, and no other") {
  const std::string map = R"([{"containerID":0,"hostID":1000,"size":1}])";
  const std::string maps = base::concat(R"(,"uidMappings":)", map, R"(,"gidMappings":)", map);
  for (const std::string& name : features().at("linux").at("namespaces").strings()) {
    CAPTURE(name);
    const std::string list = base::concat(R"("namespaces":[{"type":")", name, R"("}])");
    CHECK_NOTHROW(spec_with("", name == "user" ? list + maps : list));
  }
  CHECK_THROWS_AS(spec_with("", R"("namespaces":[{"type":"made-up"}])"), base::Error);
}

TEST_CASE("each word of seccomp is known") {
  const auto seccomp = features().at("linux").at("seccomp");
  CHECK(seccomp.at("enabled").boolean());
  for (const std::string& name : seccomp.at("actions").strings()) {
    CAPTURE(name);
    CHECK_NOTHROW(
        profile_with(base::concat(R"(,"listenerPath":"/s","syscalls":[{"names":["read"],"action":")", name, R"("}])")));
  }
  for (const std::string& name : seccomp.at("operators").strings()) {
    CAPTURE(name);
    CHECK_NOTHROW(profile_with(
        base::concat(R"(,"syscalls":[{"names":["read"],"action":"SCMP_ACT_LOG","args":[{"index":0,"value":1,"op":")",
                     name, R"("}]}])")));
  }
  for (const std::string& name : seccomp.at("knownFlags").strings()) {
    CAPTURE(name);
    CHECK_NOTHROW(profile_with(base::concat(R"(,"listenerPath":"/s","flags":[")", name,
                                            R"("],"syscalls":[{"names":["read"],"action":"SCMP_ACT_NOTIFY"}])")));
  }
  CHECK(seccomp.at("supportedFlags").strings() == seccomp.at("knownFlags").strings());
  const auto archs = seccomp.at("archs").strings();
  for (const std::string& name : archs) CHECK_NOTHROW(profile_with(R"(,"architectures":[")" + name + R"("])"));
  CHECK(std::find(archs.begin(), archs.end(), runtime::native_architecture().name) != archs.end());
}

TEST_CASE("each mode and flag of a memory policy is known") {
  const auto policy = features().at("linux").at("memoryPolicy");
  for (const std::string& mode : policy.at("modes").strings()) {
    CAPTURE(mode);
    const bool has_nodes = mode != "MPOL_DEFAULT" && mode != "MPOL_LOCAL";
    CHECK_NOTHROW(runtime::memory_policy_of({.mode = mode, .nodes = has_nodes ? "0" : "", .flags = {}}));
  }
  for (const std::string& flag : policy.at("flags").strings()) {
    CAPTURE(flag);
    CHECK_NOTHROW(runtime::memory_policy_of({.mode = "MPOL_BIND", .nodes = "0", .flags = {flag}}));
  }
}

TEST_CASE("idmapped mounts and network devices are read") {
  const auto linux_features = features().at("linux");
  CHECK(linux_features.at("mountExtensions").at("idmap").at("enabled").boolean());
  const std::string map = R"([{"containerID":0,"hostID":1000,"size":1}])";
  const runtime::Spec spec =
      spec_with(base::concat(R"(,"mounts":[{"destination":"/m","source":"/s","options":["bind"],"uidMappings":)", map,
                             R"(,"gidMappings":)", map, "}]"),
                base::concat(R"("namespaces":[{"type":"user"}],"uidMappings":)", map, R"(,"gidMappings":)", map));
  CHECK(spec.mounts.front().uid_mappings.size() == 1);
  CHECK(linux_features.at("netDevices").at("enabled").boolean());
  const auto devices = spec_with("", R"("namespaces":[{"type":"network"}],"netDevices":{"eth0":{"name":"c0"}})");
  CHECK(devices.linux.net_devices.size() == 1);
  for (const char* part : {"enabled", "schemata", "monitoring"})
    CHECK(linux_features.at("intelRdt").at(part).boolean());
  const auto rdt = spec_with("", R"("intelRdt":{"schemata":["MB:0=20"],"enableMonitoring":true})");
  CHECK((rdt.linux.intel_rdt->schemata.size() == 1 && rdt.linux.intel_rdt->enable_monitoring));
}

TEST_CASE("help and the description for man page and completions name every verb") {
  const std::string help = cmd::oci_overview();
  const auto commands = base::JsonAt::parse(cmd::oci_description(), "description").at("commands").array();
  CHECK(commands.size() == cmd::oci_verbs().size());
  std::string_view before;
  for (const cmd::OciVerb& verb : cmd::oci_verbs()) {
    CHECK(before < verb.name);
    before = verb.name;
    CHECK(help.find(base::concat("  ", verb.name, " ")) != std::string::npos);
    const std::string own = cmd::oci_verb_help(verb);
    for (const cmd::OciOption& option : cmd::options_of(verb))
      if (!option.help.empty()) CHECK(own.find(base::concat("--", option.name)) != std::string::npos);
  }
}
