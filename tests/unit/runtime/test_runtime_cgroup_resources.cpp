#include <doctest/doctest.h>

#include "base/error.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/cgroup_resources.hpp"

using runtime::parse_resources;
using runtime::Resources;

namespace {

std::string complaint_about(const std::string& json) {
  try {
    parse_resources(json);
  } catch (const base::Error& error) {
    return error.message();
  }
  return "";
}

std::string list_of(std::size_t count, const std::string& entry) {
  std::string result = "[";
  for (std::size_t at = 0; at < count; ++at) result += (at == 0 ? "" : ",") + entry;
  return result + "]";
}

}  // namespace

TEST_CASE("no resources are no limits") {
  const Resources resources = parse_resources("");
  CHECK_FALSE(resources.has_devices);
  CHECK_FALSE(resources.memory.limit);
  CHECK_FALSE(resources.pids_limit);
}

TEST_CASE("every field of linux.resources is read") {
  const Resources r = parse_resources(R"({
    "devices": [{"allow": false}, {"allow": true, "type": "c", "major": 10, "minor": -1, "access": "rm"}],
    "memory": {"limit": 1000, "reservation": -1, "swap": 2000, "kernel": 3, "kernelTCP": 4, "swappiness": 100,
               "disableOOMKiller": true, "useHierarchy": true, "checkBeforeUpdate": true},
    "cpu": {"shares": 512, "quota": 50000, "burst": 1000, "period": 100000, "realtimeRuntime": 5,
            "realtimePeriod": 6, "cpus": "0-3,7", "mems": "0", "idle": 1},
    "pids": {"limit": 0},
    "blockIO": {"weight": 10, "leafWeight": 1000, "weightDevice": [{"major": 8, "minor": 16, "weight": 500}],
                "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 600}],
                "throttleWriteIOPSDevice": [{"major": 8, "minor": 1, "rate": 7}]},
    "hugepageLimits": [{"pageSize": "64KB", "limit": 65536}],
    "network": {"classID": 4294967295, "priorities": [{"name": "eth0", "priority": 500}]},
    "rdma": {"mlx5_1": {"hcaHandles": 3}},
    "unified": {"memory.high": "1000", "io.max": "8:0 rbps=1\n8:1 rbps=2"}})");
  REQUIRE(r.devices.size() == 2);
  CHECK(r.devices[0].type == 'a');
  CHECK(r.devices[0].node);
  CHECK(r.devices[1].major == 10);
  CHECK_FALSE(r.devices[1].minor);
  CHECK(r.devices[1].read);
  CHECK_FALSE(r.devices[1].write);
  CHECK(r.memory.limit == 1000);
  CHECK(r.memory.reservation == -1);
  CHECK(r.memory.swap == 2000);
  CHECK(r.memory.kernel == 3);
  CHECK(r.memory.kernel_tcp == 4);
  CHECK(r.memory.swappiness == 100);
  CHECK(r.memory.disable_oom_killer);
  CHECK(r.memory.check_before_update);
  CHECK(r.cpu.shares == 512);
  CHECK(r.cpu.quota == 50000);
  CHECK(r.cpu.burst == 1000);
  CHECK(r.cpu.realtime_runtime == 5);
  CHECK(r.cpu.cpus == "0-3,7");
  CHECK(r.cpu.idle == 1);
  CHECK(r.pids_limit == 0);
  CHECK(r.block_io.leaf_weight == 1000);
  CHECK(r.block_io.device_weights.at(0).minor == 16);
  CHECK(r.block_io.read_bps.at(0).rate == 600);
  CHECK(r.block_io.write_iops.at(0).minor == 1);
  CHECK(r.hugepage_limits.at(0).page_size == "64KB");
  CHECK(r.network_class_id == 4294967295U);
  CHECK(r.network_priorities.at(0).interface == "eth0");
  CHECK(r.rdma.at(0).handles == 3U);
  CHECK_FALSE(r.rdma.at(0).objects);
  CHECK(r.unified.size() == 2);
}

TEST_CASE("zero means not given, but for pids") {
  const Resources r = parse_resources(
      R"({"memory":{"limit":0,"swap":0},"cpu":{"shares":0,"quota":0,"period":0},"blockIO":{"weight":0}})");
  CHECK_FALSE(r.memory.limit);
  CHECK_FALSE(r.memory.swap);
  CHECK_FALSE(r.cpu.shares);
  CHECK_FALSE(r.cpu.quota);
  CHECK_FALSE(r.cpu.period);
  CHECK_FALSE(r.block_io.weight);
}

TEST_CASE("a bad value is refused with its JSON path") {
  const std::pair<const char*, const char*> cases[] = {
      {R"([])", "is not an object"},
      {R"({"memory":{"limit":-2}})", "memory.limit"},
      {R"({"memory":{"limit":1.5}})", "memory.limit"},
      {R"({"memory":{"limit":"1g"}})", "memory.limit"},
      {R"({"memory":{"limit":9223372036854775808}})", "memory.limit"},
      {R"({"memory":{"reservation":-5}})", "memory.reservation"},
      {R"({"memory":{"limit":2000,"swap":1000}})", "memory.swap"},
      {R"({"memory":{"limit":-1,"swap":1000}})", "memory.swap"},
      {R"({"memory":{"swappiness":101}})", "memory.swappiness"},
      {R"({"memory":{"swappiness":-1}})", "memory.swappiness"},
      {R"({"memory":{"disableOOMKiller":1}})", "memory.disableOOMKiller"},
      {R"({"cpu":{"shares":-1}})", "cpu.shares"},
      {R"({"cpu":{"quota":-2}})", "cpu.quota"},
      {R"({"cpu":{"quota":1000,"burst":1001}})", "cpu.burst"},
      {R"({"cpu":{"period":-1}})", "cpu.period"},
      {R"({"cpu":{"realtimeRuntime":-2}})", "cpu.realtimeRuntime"},
      {R"({"cpu":{"cpus":"a"}})", "cpu.cpus"},
      {R"({"cpu":{"cpus":"3-1"}})", "cpu.cpus"},
      {R"({"cpu":{"cpus":"0,,1"}})", "cpu.cpus"},
      {R"({"cpu":{"cpus":"0-"}})", "cpu.cpus"},
      {R"({"cpu":{"cpus":"0-65536"}})", "cpu.cpus"},
      {R"({"cpu":{"mems":"-1"}})", "cpu.mems"},
      {R"({"cpu":{"idle":2}})", "cpu.idle"},
      {R"({"pids":{"limit":-2}})", "pids.limit"},
      {R"({"blockIO":{"weight":9}})", "blockIO.weight"},
      {R"({"blockIO":{"weight":1001}})", "blockIO.weight"},
      {R"({"blockIO":{"weightDevice":[{"major":8,"minor":0}]}})", "blockIO.weightDevice[0]"},
      {R"({"blockIO":{"weightDevice":[{"major":-1,"minor":0,"weight":10}]}})", "blockIO.weightDevice[0].major"},
      {R"({"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0}]}})", "blockIO.throttleReadBpsDevice[0].rate"},
      {R"({"hugepageLimits":[{"pageSize":"2M","limit":1}]})", "hugepageLimits[0].pageSize"},
      {R"({"hugepageLimits":[{"pageSize":"../2MB","limit":1}]})", "hugepageLimits[0].pageSize"},
      {R"({"hugepageLimits":[{"pageSize":"02MB","limit":1}]})", "hugepageLimits[0].pageSize"},
      {R"({"hugepageLimits":[{"pageSize":"2MB"}]})", "hugepageLimits[0].limit"},
      {R"({"network":{"classID":4294967296}})", "network.classID"},
      {R"({"network":{"priorities":[{"name":"a b","priority":1}]}})", "network.priorities[0].name"},
      {R"({"network":{"priorities":[{"name":"sixteen-letters-","priority":1}]}})", "network.priorities[0].name"},
      {R"({"rdma":{"mlx":{}}})", "rdma.mlx"},
      {R"({"rdma":{"m x":{"hcaHandles":1}}})", "rdma"},
      {R"({"unified":{"a/b":"1"}})", "unified"},
      {R"({"unified":{"..":"1"}})", "unified"},
      {R"({"unified":{"":"1"}})", "unified"},
      {R"({"unified":{"memory.high":1}})", "unified"},
      {R"({"devices":[{"type":"c"}]})", "devices[0].allow"},
      {R"({"devices":[{"allow":true,"type":"p"}]})", "devices[0].type"},
      {R"({"devices":[{"allow":true,"type":"cb"}]})", "devices[0].type"},
      {R"({"devices":[{"allow":true,"access":"rx"}]})", "devices[0].access"},
      {R"({"devices":[{"allow":true,"major":-2}]})", "devices[0].major"},
      {R"({"devices":[{"allow":true,"minor":1048576}]})", "devices[0].minor"},
  };
  for (const auto& [json, path] : cases) {
    const auto& shown = json;
    CAPTURE(shown);
    const std::string complaint = complaint_about(json);
    CHECK(complaint.find("linux.resources: ") != std::string::npos);
    CHECK(complaint.find(path) != std::string::npos);
    CHECK_THROWS_AS(runtime::check_resources(json), base::Error);
  }
}

TEST_CASE("lists are taken up to their limit and not beyond") {
  const std::string rule = R"({"allow":true})";
  const std::string at_limit = "{\"devices\":" + list_of(runtime::max_device_rules, rule) + "}";
  CHECK(parse_resources(at_limit).devices.size() == runtime::max_device_rules);
  CHECK(complaint_about("{\"devices\":" + list_of(runtime::max_device_rules + 1, rule) + "}") != "");
  const std::string pages = R"({"pageSize":"2MB","limit":1})";
  CHECK(complaint_about("{\"hugepageLimits\":" + list_of(runtime::max_resource_entries, pages) + "}") == "");
  CHECK(complaint_about("{\"hugepageLimits\":" + list_of(runtime::max_resource_entries + 1, pages) + "}") != "");
  const std::string fits(runtime::max_unified_value_bytes, '1');
  CHECK(complaint_about("{\"unified\":{\"a.b\":\"" + fits + "\"}}") == "");
  CHECK(complaint_about("{\"unified\":{\"a.b\":\"" + fits + "1\"}}") != "");
}
