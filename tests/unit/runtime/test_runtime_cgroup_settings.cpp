#include <doctest/doctest.h>

#include "base/text.hpp"
#include "runtime/cgroup_settings.hpp"
#include "runtime/cgroup_statistics.hpp"

using runtime::CgroupSetting;
using runtime::parse_resources;

namespace {

/// "file=value" of each, problems as "field!"; alternatives behind a bar.
std::string text_of(const std::vector<CgroupSetting>& settings) {
  std::vector<std::string> words;
  for (const CgroupSetting& setting : settings) {
    std::string word = setting.problem.empty() ? setting.file + "=" + setting.value : setting.field + "!";
    if (!setting.else_file.empty()) word += "|" + setting.else_file + "=" + setting.else_value;
    if (setting.may_be_absent) word += "?";
    words.push_back(word);
  }
  return base::join(words, ";");
}

std::string unified(const char* json, const char* cpu_max = "") {
  return text_of(runtime::unified_settings(parse_resources(json), cpu_max));
}

std::string legacy(const char* json) {
  return text_of(runtime::legacy_settings(parse_resources(json)));
}

}  // namespace

TEST_CASE("shares and weights are converted as crun and runc do") {
  CHECK(runtime::cpu_weight_of(2) == 1);
  CHECK(runtime::cpu_weight_of(1024) == 39);
  CHECK(runtime::cpu_weight_of(262144) == 10000);
  CHECK(runtime::cpu_weight_of(1) == 1);
  CHECK(runtime::cpu_weight_of(1'000'000'000'000) == 10000);
  CHECK(runtime::io_weight_of(10) == 1);
  CHECK(runtime::io_weight_of(500) == 4950);
  CHECK(runtime::io_weight_of(1000) == 10000);
}

TEST_CASE("memory for v2 counts swap alone") {
  CHECK(unified(R"({"memory":{"limit":1000,"swap":3000}})") == "memory.swap.max=2000;memory.max=1000");
  CHECK(unified(R"({"memory":{"limit":1000,"swap":1000}})") == "memory.swap.max=0?;memory.max=1000");
  CHECK(unified(R"({"memory":{"limit":1000,"swap":-1}})") == "memory.swap.max=max?;memory.max=1000");
  CHECK(unified(R"({"memory":{"limit":-1}})") == "memory.swap.max=max?;memory.max=max");
  CHECK(unified(R"({"memory":{"limit":1000}})") == "memory.max=1000");
  CHECK(unified(R"({"memory":{"swap":1000}})") == "memory.swap!");
  CHECK(unified(R"({"memory":{"reservation":500}})") == "memory.low=500");
  CHECK(unified(R"({"memory":{"swappiness":60,"kernel":1,"kernelTCP":1,"disableOOMKiller":true}})") ==
        "memory.kernel!;memory.kernelTCP!;memory.swappiness!;memory.disableOOMKiller!");
  CHECK(unified(R"({"memory":{"kernel":-1,"disableOOMKiller":false}})") == "");
}

TEST_CASE("memory for v1 limits memory and swap together") {
  CHECK(legacy(R"({"memory":{"limit":1000,"swap":3000}})") ==
        "memory.limit_in_bytes=1000;memory.memsw.limit_in_bytes=3000");
  CHECK(legacy(R"({"memory":{"limit":-1}})") == "memory.limit_in_bytes=-1;memory.memsw.limit_in_bytes=-1?");
  CHECK(legacy(R"({"memory":{"reservation":5,"kernel":6,"kernelTCP":7,"swappiness":8,"disableOOMKiller":true}})") ==
        "memory.soft_limit_in_bytes=5;memory.kmem.limit_in_bytes=6;memory.kmem.tcp.limit_in_bytes=7;"
        "memory.swappiness=8;memory.oom_control=1");
}

TEST_CASE("cpu.max keeps what is not given") {
  CHECK(unified(R"({"cpu":{"quota":50000}})") == "cpu.max=50000 100000");
  CHECK(unified(R"({"cpu":{"quota":50000}})", "max 200000\n") == "cpu.max=50000 200000");
  CHECK(unified(R"({"cpu":{"period":200000}})") == "cpu.max=max 200000");
  CHECK(unified(R"({"cpu":{"period":200000}})", "5000 100000\n") == "cpu.max=5000 200000");
  CHECK(unified(R"({"cpu":{"quota":-1}})", "5000 100000\n") == "cpu.max=max 100000");
  CHECK(unified(R"({"cpu":{"quota":50000,"period":70000,"burst":10}})") == "cpu.max=50000 70000;cpu.max.burst=10");
}

TEST_CASE("an idle cgroup gets no weight, which the kernel would refuse") {
  CHECK(unified(R"({"cpu":{"idle":1,"shares":512}})") == "cpu.idle=1");
  CHECK(unified(R"({"cpu":{"idle":0,"shares":262144}})") == "cpu.idle=0;cpu.weight=10000");
  CHECK(legacy(R"({"cpu":{"idle":1,"shares":512}})") == "cpu.idle=1");
}

TEST_CASE("cpu and cpuset") {
  CHECK(unified(R"({"cpu":{"cpus":"0-1","mems":"0","realtimeRuntime":1,"realtimePeriod":2}})") ==
        "cpu.realtimeRuntime!;cpu.realtimePeriod!;cpuset.cpus=0-1;cpuset.mems=0");
  CHECK(legacy(R"({"cpu":{"shares":1,"quota":2,"period":3,"burst":1,"realtimeRuntime":5,"realtimePeriod":6}})") ==
        "cpu.shares=1;cpu.cfs_period_us=3;cpu.cfs_quota_us=2;cpu.cfs_burst_us=1;cpu.rt_period_us=6;"
        "cpu.rt_runtime_us=5");
}

TEST_CASE("pids know unlimited and zero") {
  CHECK(unified(R"({"pids":{"limit":-1}})") == "pids.max=max");
  CHECK(unified(R"({"pids":{"limit":0}})") == "pids.max=0");
  CHECK(legacy(R"({"pids":{"limit":-1}})") == "pids.max=max");
}

TEST_CASE("block devices: BFQ where the kernel has it, else the general weight; a throttle a line") {
  CHECK(unified(R"({"blockIO":{"weight":500,"leafWeight":10}})") ==
        "io.bfq.weight=500|io.weight=default 4950;blockIO.leafWeight!");
  CHECK(unified(R"({"blockIO":{"weightDevice":[{"major":8,"minor":16,"weight":1000}]}})") ==
        "io.bfq.weight=8:16 1000|io.weight=8:16 10000");
  const char* throttles = R"({"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":600}],
      "throttleWriteBpsDevice":[{"major":8,"minor":0,"rate":0}],
      "throttleReadIOPSDevice":[{"major":8,"minor":0,"rate":7}],
      "throttleWriteIOPSDevice":[{"major":9,"minor":1,"rate":8}]}})";
  CHECK(unified(throttles) == "io.max=8:0 rbps=600;io.max=8:0 wbps=max;io.max=8:0 riops=7;io.max=9:1 wiops=8");
  CHECK(legacy(throttles) ==
        "blkio.throttle.read_bps_device=8:0 600;blkio.throttle.write_bps_device=8:0 0;"
        "blkio.throttle.read_iops_device=8:0 7;blkio.throttle.write_iops_device=9:1 8");
}

TEST_CASE("huge pages, network and RDMA") {
  const char* json = R"({"hugepageLimits":[{"pageSize":"2MB","limit":4194304}],
      "network":{"classID":7,"priorities":[{"name":"eth0","priority":5}]},
      "rdma":{"mlx":{"hcaHandles":3,"hcaObjects":10}}})";
  CHECK(unified(json) ==
        "hugetlb.2MB.max=4194304;hugetlb.2MB.rsvd.max=4194304?;network.classID!;network.priorities!;"
        "rdma.max=mlx hca_handle=3 hca_object=10");
  CHECK(legacy(json) ==
        "hugetlb.2MB.limit_in_bytes=4194304;hugetlb.2MB.rsvd.limit_in_bytes=4194304?;net_cls.classid=7;"
        "net_prio.ifpriomap=eth0 5;rdma.max=mlx hca_handle=3 hca_object=10");
}

TEST_CASE("unified keys come last, a line a write, with the controller of their name") {
  const auto settings = runtime::unified_settings(
      parse_resources(R"({"unified":{"io.max":"8:0 rbps=1\n8:1 rbps=2\n","cgroup.max.depth":"3","odd":"x"},
                          "pids":{"limit":5}})"),
      "");
  CHECK(text_of(settings) == "pids.max=5;io.max=8:0 rbps=1;io.max=8:1 rbps=2;cgroup.max.depth=3;odd=x");
  CHECK(settings[1].controller == "io");
  CHECK(settings[1].is_unified_key);
  CHECK(settings[3].controller == "");
}

TEST_CASE("figures of both versions") {
  const auto io = runtime::parse_io_stat("8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n7:1 rbytes=9\n\nbad\n");
  REQUIRE(io.size() == 2);
  CHECK(io[0].write_bytes == 2);
  CHECK(io[0].writes == 4);
  CHECK(io[1].major == 7);
  CHECK(io[1].read_bytes == 9);
  const auto blkio =
      runtime::parse_blkio("8:0 Read 10\n8:0 Write 20\n8:0 Total 30\nTotal 30\n", "8:0 Read 1\n8:0 Write 2\n");
  REQUIRE(blkio.size() == 1);
  CHECK(blkio[0].read_bytes == 10);
  CHECK(blkio[0].write_bytes == 20);
  CHECK(blkio[0].reads == 1);
  CHECK(blkio[0].writes == 2);
  const auto pressure = runtime::parse_pressure(
      "some avg10=1.50 avg60=0.25 avg300=0.00 total=987\nfull avg10=0.00 avg60=0.00 avg300=12.00 total=5\n");
  REQUIRE(pressure.has_value());
  CHECK(pressure->some.last_10_seconds == 1.5);
  CHECK(pressure->some.last_minute == 0.25);
  CHECK(pressure->some.total_microseconds == 987);
  CHECK(pressure->full.last_5_minutes == 12);
  CHECK_FALSE(runtime::parse_pressure("").has_value());
}
