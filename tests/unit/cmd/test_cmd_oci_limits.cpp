#include <doctest/doctest.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "cmd/oci_events.hpp"
#include "cmd/oci_update.hpp"
#include "cmd/oci_verbs.hpp"

namespace {

std::string resources(const std::vector<std::string>& words) {
  for (const cmd::OciVerb& verb : cmd::oci_verbs())
    if (verb.name == "update")
      return cmd::resources_of_words(cmd::split_oci_words(cmd::options_of(verb), words, false));
  return {};
}

}  // namespace

TEST_CASE("options of update become linux.resources, and only those that were given") {
  CHECK(resources({}) == "{}");
  CHECK(resources({"--memory", "64m", "--memory-swap", "-1", "--memory-reservation=100"}) ==
        R"({"memory":{"limit":67108864,"reservation":100,"swap":-1}})");
  CHECK(resources({"--cpu-quota", "-1", "--cpu-period", "50000", "--cpu-share", "512", "--cpuset-cpus", "0-1",
                   "--cpu-idle", "1", "--cpu-burst", "9"}) ==
        R"({"cpu":{"burst":9,"idle":1,"period":50000,"quota":-1,"shares":512,"cpus":"0-1"}})");
  CHECK(resources({"--pids-limit", "20", "--blkio-weight", "500"}) ==
        R"({"blockIO":{"weight":500},"pids":{"limit":20}})");
  CHECK(resources({"--cpu-shares", "2"}) == R"({"cpu":{"shares":2}})");
}

TEST_CASE("update refuses what is no number") {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"--memory", "much"},
                                                {"--pids-limit", "1k"},
                                                {"--cpu-quota", ""},
                                                {"--memory", "99999999999g"}}) {
    CAPTURE(words.front());
    CHECK_THROWS_AS(resources(words), base::Error);
  }
}

TEST_CASE("durations are read as Go writes them") {
  CHECK(cmd::parse_go_duration("5s").count() == 5000);
  CHECK(cmd::parse_go_duration("1m30s").count() == 90000);
  CHECK(cmd::parse_go_duration("1.5h").count() == 5400000);
  CHECK(cmd::parse_go_duration("250ms").count() == 250);
  CHECK(cmd::parse_go_duration("2000us").count() == 2);
  for (const char* bad : {"", "5", "s", "-5s", "5x", "5s x", "0s", "1e3s", "nan", "inf", "999999h"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(cmd::parse_go_duration(bad), base::Error);
  }
}

TEST_CASE("statistics have runc's shape") {
  runtime::CgroupStatistics statistics;
  statistics.cpu_total = 30;
  statistics.cpu_user = 20;
  statistics.cpu_system = 10;
  statistics.memory_usage = 4096;
  statistics.memory_limit = 8192;
  statistics.memory_stat = {{"anon", 1}, {"file", 2}};
  statistics.pids_current = 3;
  statistics.io = {{8, 0, 100, 200, 1, 2}};
  statistics.cpu_periods = 7;
  statistics.cpu_throttled_periods = 5;
  statistics.cpu_throttled = 1000;
  statistics.swap_usage = 1000;
  statistics.huge_pages = {{"2MB", 4194304, {}, 3}};
  statistics.cpu_usages = {20, 10};
  statistics.cpu_kernel_usages = {5, 5};
  statistics.cpu_user_usages = {15, 5};
  statistics.cpuset = {{"cpus", "0-2,5"}, {"mems", ""}, {"sched_relax_domain_level", "-1"}, {"memory_migrate", "1"}};
  statistics.both_peak = 6000;
  statistics.kernel_memory = {.usage = 5, .limit = 10, .peak = 7, .failures = 1};
  statistics.memory_pressure.emplace();
  statistics.memory_pressure->full.last_10_seconds = 1.5;
  statistics.memory_pressure->some.total_microseconds = 77;
  const auto json = base::JsonAt::parse(cmd::statistics_event("one", statistics), "event");
  CHECK(json.at("type").string() == "stats");
  CHECK(json.at("id").string() == "one");
  const auto data = json.at("data");
  CHECK(data.at("cpu").at("usage").at("total").unsigned_integer() == 30);
  CHECK(data.at("cpu").at("usage").at("kernel").unsigned_integer() == 10);
  CHECK(data.at("cpu").at("throttling").at("periods").unsigned_integer() == 7);
  CHECK(data.at("cpu").at("throttling").at("throttledPeriods").unsigned_integer() == 5);
  CHECK(data.at("cpu").at("throttling").at("throttledTime").unsigned_integer() == 1000);
  CHECK(data.at("memory").at("usage").at("usage").unsigned_integer() == 4096);
  CHECK(data.at("memory").at("swap").at("usage").unsigned_integer() == 5096);
  CHECK(data.at("memory").at("swap").at("limit").unsigned_integer() == UINT64_MAX);
  CHECK(data.at("hugetlb").at("2MB").at("usage").unsigned_integer() == 4194304);
  CHECK(data.at("hugetlb").at("2MB").at("failcnt").unsigned_integer() == 3);
  CHECK_FALSE(data.at("hugetlb").at("2MB").has("max"));
  CHECK(data.at("memory").at("usage").at("limit").unsigned_integer() == 8192);
  CHECK(data.at("memory").at("cache").unsigned_integer() == 2);
  CHECK(data.at("memory").at("raw").at("anon").unsigned_integer() == 1);
  CHECK(data.at("pids").at("current").unsigned_integer() == 3);
  CHECK_FALSE(data.at("pids").has("limit"));
  const auto bytes = data.at("blkio").at("ioServiceBytesRecursive").array();
  REQUIRE(bytes.size() == 2);
  CHECK(bytes[1].at("op").string() == "Write");
  CHECK(bytes[1].at("value").unsigned_integer() == 200);
  CHECK(data.at("cpu").at("usage").at("percpu").array().size() == 2);
  CHECK(data.at("cpu").at("usage").at("percpu_kernel").array()[1].unsigned_integer() == 5);
  CHECK(data.at("cpu").at("usage").at("percpu_user").array()[0].unsigned_integer() == 15);
  CHECK_FALSE(data.at("cpu").has("psi"));
  CHECK(data.at("memory").at("swap").at("max").unsigned_integer() == 6000);
  CHECK(data.at("memory").at("kernel").dump() == R"({"limit":10,"usage":5,"max":7,"failcnt":1})");
  CHECK(data.at("memory").at("kernelTCP").dump() == R"({"limit":0,"failcnt":0})");
  const auto cpuset = data.at("cpuset");
  CHECK(cpuset.at("cpus").dump() == "[0,1,2,5]");
  CHECK_FALSE(cpuset.has("mems"));
  CHECK(cpuset.at("memory_migrate").unsigned_integer() == 1);
  CHECK(cpuset.at("cpu_exclusive").unsigned_integer() == 0);
  CHECK(cpuset.at("sched_relax_domain_level").integer() == -1);
  CHECK(data.at("memory").at("psi").at("full").at("avg10").number() == 1.5);
  CHECK(data.at("memory").at("psi").at("some").at("total").unsigned_integer() == 77);
}
