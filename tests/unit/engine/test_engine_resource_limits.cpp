#include <doctest/doctest.h>
#include <string>

#include "base/error.hpp"
#include "engine/resource_limits.hpp"

namespace {

using engine::LimitWords;
using engine::merged_resources;
using engine::resources_of;

LimitWords words_of(std::initializer_list<std::pair<const std::string, std::string>> values) {
  LimitWords words;
  for (const auto& [option, value] : values) words.values[option] = value;
  return words;
}

TEST_CASE("limits become linux.resources, group by group") {
  CHECK(
      resources_of(words_of({{"memory", "64m"}, {"memory-swap", "-1"}, {"cpu-shares", "512"}, {"pids-limit", "9"}})) ==
      R"({"cpu":{"shares":512},"memory":{"limit":67108864,"swap":-1},"pids":{"limit":9}})");
  CHECK(resources_of(words_of({{"cpus", "1.5"}, {"cpuset-cpus", "0-1"}})) ==
        R"({"cpu":{"cpus":"0-1","period":100000,"quota":150000}})");
  CHECK(resources_of(words_of({{"memory-swappiness", "7"}, {"oom-kill-disable", "true"}, {"blkio-weight", "100"}})) ==
        R"({"blockIO":{"weight":100},"memory":{"disableOOMKiller":true,"swappiness":7}})");
}

TEST_CASE("memory that is limited alone gets as much swap again") {
  CHECK(resources_of(words_of({{"memory", "1m"}})) == R"({"memory":{"limit":1048576,"swap":2097152}})");
  CHECK(resources_of(words_of({{"memory", "1m"}}), false) == R"({"memory":{"limit":1048576}})");
  CHECK(resources_of(words_of({{"memory", "-1"}})) == R"({"memory":{"limit":-1}})");
}

TEST_CASE("what asks for no limit leaves nothing") {
  CHECK(resources_of(words_of({{"memory", "0"},
                               {"memory-swap", "-1"},
                               {"cpus", "0"},
                               {"cpu-quota", "0"},
                               {"cpu-shares", ""},
                               {"memory-swappiness", "-1"},
                               {"cpuset-cpus", ""}}))
            .empty());
  CHECK(resources_of(words_of({{"pids-limit", "0"}})) == R"({"pids":{"limit":-1}})");
}

TEST_CASE("devices are found by their numbers, and rules keep their order") {
  LimitWords words;
  words.lists["device-read-bps"] = {"/dev/null:1k"};
  words.lists["cgroup-conf"] = {"memory.high=5"};
  words.lists["device-cgroup-rule"] = {"c 10:* rw"};
  CHECK(resources_of(words) ==
        R"({"devices":[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":10,"access":"rw"}],)"
        R"("blockIO":{"throttleReadBpsDevice":[{"major":1,"minor":3,"rate":1024}]},"unified":{"memory.high":"5"}})");
}

TEST_CASE("values that are none are refused by the names of their options") {
  for (const auto& [option, value] : {std::pair{"memory", "much"}, std::pair{"cpus", "-1"}, std::pair{"cpus", "0.001"},
                                      std::pair{"cpu-shares", "x"}}) {
    try {
      resources_of(words_of({{option, value}}));
      FAIL(option);
    } catch (const base::Error& error) {
      CHECK(error.kind() == base::ErrorKind::invalid_argument);
      CHECK(error.message().find(option) != std::string::npos);
    }
  }
}

TEST_CASE("an update changes what it names and nothing else") {
  CHECK(merged_resources(R"({"devices":[{"allow":true}],"cpu":{"shares":5},"memory":{"limit":1,"swap":2}})",
                         R"({"memory":{"limit":3},"pids":{"limit":4}})") ==
        R"({"devices":[{"allow":true}],"cpu":{"shares":5},"memory":{"limit":3,"swap":2},"pids":{"limit":4}})");
  CHECK(merged_resources("", R"({"pids":{"limit":4}})") == R"({"pids":{"limit":4}})");
  CHECK(merged_resources("", "").empty());
}

TEST_CASE("fields are told by the options that set them") {
  CHECK(engine::option_of_field("memory.limit") == "--memory");
  CHECK(engine::option_of_field("blockIO.throttleReadBpsDevice") == "--device-read-bps");
  CHECK(engine::option_of_field("unified.memory.high") == "--cgroup-conf");
  CHECK(engine::option_of_field("cpu.burst") == "cpu.burst");
}

}  // namespace
