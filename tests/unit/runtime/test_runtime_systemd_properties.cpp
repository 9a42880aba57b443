#include <cstdint>
#include <doctest/doctest.h>
#include <limits>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "runtime/cgroup_resources.hpp"
#include "runtime/cgroup_settings.hpp"
#include "runtime/systemd_properties.hpp"

namespace {

using base::Error;
using runtime::DbusValue;
constexpr std::uint64_t infinity = std::numeric_limits<std::uint64_t>::max();

std::vector<runtime::DbusProperty> of_resources(std::string_view json) {
  return runtime::properties_of_settings(runtime::unified_settings(runtime::parse_resources(json), ""));
}

const DbusValue* find(const std::vector<runtime::DbusProperty>& properties, std::string_view name) {
  for (const runtime::DbusProperty& property : properties) {
    if (property.name == name) return &property.value;
  }
  return nullptr;
}

void check(std::string_view resources, std::string_view name, const DbusValue& expected) {
  CAPTURE(name);
  const auto properties = of_resources(resources);
  const DbusValue* value = find(properties, name);
  REQUIRE(value);
  CHECK(*value == expected);
}

DbusValue annotated(const std::string& name, const std::string& text) {
  CAPTURE(text);
  const auto properties = runtime::properties_of_annotations({{"org.systemd.property." + name, text}});
  REQUIRE(properties.size() == 1);
  return properties[0].value;
}

}  // namespace

TEST_CASE("cgroupsPath names slice and scope as runc and crun read it") {
  struct Case {
    const char* path;
    bool is_user;
    const char *slice, *unit;
  };
  for (const Case& row : {Case{"machine.slice:libpod:ab", false, "machine.slice", "libpod-ab.scope"},
                          {"a-b-c.slice:p:n", true, "a-b-c.slice", "p-n.scope"},
                          {"-.slice:p:n", false, "-.slice", "p-n.scope"},
                          {":p:n", false, "system.slice", "p-n.scope"},
                          {":p:n", true, "user.slice", "p-n.scope"},
                          {"s.slice::n", false, "s.slice", "n.scope"},
                          {"", false, "system.slice", "engine-id1.scope"},
                          {":a+b:n", false, "system.slice", "a\\x2bb-n.scope"}}) {
    CAPTURE(row.path);
    const auto name = runtime::parse_scope_name(row.path, "id1", row.is_user);
    CHECK(name.slice == row.slice);
    CHECK(name.unit == row.unit);
  }
}

TEST_CASE("cgroupsPath of another form, and slices that systemd would not make, are refused") {
  const std::string long_name(300, 'n');
  for (const std::string& bad :
       {std::string{"/a/b"}, std::string{"a.slice:b"}, std::string{"a.slice:b:"}, std::string{"a:b:c"},
        std::string{"a/b.slice:c:d"}, std::string{"-a.slice:c:d"}, std::string{"a-.slice:c:d"},
        std::string{"a--b.slice:c:d"}, std::string{".slice:c:d"}, std::string{"a.slice:b:c:d"}, ":p:" + long_name}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(runtime::parse_scope_name(bad, "id", false), Error);
  }
}

TEST_CASE("limits become the properties that mean the same") {
  check(R"({"memory":{"limit":1048576}})", "MemoryMax", std::uint64_t{1048576});
  check(R"({"memory":{"limit":-1}})", "MemoryMax", infinity);
  check(R"({"memory":{"reservation":4096}})", "MemoryLow", std::uint64_t{4096});
  check(R"({"memory":{"limit":100000,"swap":300000}})", "MemorySwapMax", std::uint64_t{200000});
  check(R"({"pids":{"limit":12}})", "TasksMax", std::uint64_t{12});
  check(R"({"pids":{"limit":-1}})", "TasksMax", infinity);
  check(R"({"cpu":{"shares":2}})", "CPUWeight", std::uint64_t{1});
  check(R"({"cpu":{"quota":25000,"period":50000}})", "CPUQuotaPerSecUSec", std::uint64_t{500000});
  check(R"({"cpu":{"quota":25000,"period":50000}})", "CPUQuotaPeriodUSec", std::uint64_t{50000});
  check(R"({"cpu":{"quota":-1}})", "CPUQuotaPerSecUSec", infinity);
  check(R"({"cpu":{"cpus":"0-2,9"}})", "AllowedCPUs", std::vector<std::uint8_t>{0x07, 0x02});
  check(R"({"cpu":{"mems":"0"}})", "AllowedMemoryNodes", std::vector<std::uint8_t>{0x01});
  check(R"({"blockIO":{"weight":10}})", "IOWeight", std::uint64_t{1});
  check(R"({"unified":{"memory.high":"5000"}})", "MemoryHigh", std::uint64_t{5000});
}

TEST_CASE("part of a percent of a CPU is rounded up") {
  check(R"({"cpu":{"quota":12345,"period":100000}})", "CPUQuotaPerSecUSec", std::uint64_t{130000});
  check(R"({"cpu":{"quota":1000,"period":1000000}})", "CPUQuotaPerSecUSec", std::uint64_t{10000});
}

TEST_CASE("what has no property is left to the files") {
  CHECK(of_resources(R"({"hugepageLimits":[{"pageSize":"2MB","limit":4096}],"unified":{"cpu.idle":"1"}})").empty());
}

TEST_CASE("annotations carry values of every type that properties have") {
  CHECK(annotated("SendSIGHUP", "true") == DbusValue{true});
  CHECK(annotated("KillSignal", "15") == DbusValue{std::int32_t{15}});
  CHECK(annotated("TasksMax", "uint64 5") == DbusValue{std::uint64_t{5}});
  CHECK(annotated("TasksMax", "@t 5") == DbusValue{std::uint64_t{5}});
  CHECK(annotated("CollectMode", "'inactive-or-failed'") == DbusValue{std::string{"inactive-or-failed"}});
  CHECK(annotated("Description", R"("it\"s")") == DbusValue{std::string{"it\"s"}});
  CHECK(annotated("After", "['a.service', 'b.service']") ==
        DbusValue{std::vector<std::string>{"a.service", "b.service"}});
  CHECK(annotated("After", "@as []") == DbusValue{std::vector<std::string>{}});
  CHECK(annotated("PIDs", "[uint32 4, 5]") == DbusValue{std::vector<std::uint32_t>{4, 5}});
  CHECK(annotated("Ratio", "1.5") == DbusValue{1.5});
}

TEST_CASE("seconds become microseconds, and only there") {
  const auto properties = runtime::properties_of_annotations(
      {{"org.systemd.property.TimeoutStopSec", "1.5"}, {"org.systemd.property.RuntimeMaxUSec", "uint64 7"}});
  CHECK(properties[0].name == "TimeoutStopUSec");
  CHECK(properties[0].value == DbusValue{std::uint64_t{1'500'000}});
  CHECK(properties[1].name == "RuntimeMaxUSec");
  CHECK(properties[1].value == DbusValue{std::uint64_t{7}});
}

TEST_CASE("values that are none are refused with the annotation's name") {
  for (const char* bad : {"", "maybe", "'open", "uint32 -1", "uint32 4294967296", "[1, 2", "[]", "['a', true]", "5 6",
                          "@t", "nan nan", "'a' 'b'", "[[1]]"}) {
    CAPTURE(bad);
    try {
      runtime::properties_of_annotations({{"org.systemd.property.TasksMax", bad}});
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(error.kind() == base::ErrorKind::invalid_argument);
      CHECK(error.message().find("org.systemd.property.TasksMax") != std::string::npos);
    }
  }
  for (const char* name : {"TimeoutStopSec"}) {
    for (const char* bad : {"-1", "nan", "inf", "1e30", "'5'", "true"}) {
      CAPTURE(bad);
      CHECK_THROWS_AS(runtime::properties_of_annotations({{std::string{"org.systemd.property."} + name, bad}}), Error);
    }
  }
  CHECK_THROWS_AS(runtime::properties_of_annotations({{"org.systemd.property.A b", "1"}}), Error);
  CHECK(runtime::properties_of_annotations({{"org.other", "1"}}).empty());
}

TEST_CASE("a member's cgroup file tells where the scope is") {
  CHECK(runtime::scope_path("0::/a.slice/x.scope\n", "x.scope") == "/a.slice/x.scope");
  CHECK(runtime::scope_path("4:memory:/\n1:name=systemd:/s/x.scope\n0::/\n", "x.scope") == "/s/x.scope");
  CHECK(runtime::scope_path("0::/a.slice/my-x.scope\n", "x.scope").empty());
  CHECK(runtime::scope_path("0::/x.scope/below\nnonsense", "x.scope").empty());
}
