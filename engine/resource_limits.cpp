#include "engine/resource_limits.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <optional>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

enum class Unit { bytes, number, text };

/// One option and where its value stands in linux.resources.
struct Limit {
  std::string_view option, group, key;
  Unit unit;
  std::string_view no_limit;  ///< Values that ask for none when a container is made, "|" between them.
};

constexpr Limit known_limits[] = {
    {"blkio-weight", "blockIO", "weight", Unit::number, "0"},
    {"cpu-period", "cpu", "period", Unit::number, "0"},
    {"cpu-quota", "cpu", "quota", Unit::number, "0"},
    {"cpu-rt-period", "cpu", "realtimePeriod", Unit::number, "0"},
    {"cpu-rt-runtime", "cpu", "realtimeRuntime", Unit::number, "0"},
    {"cpu-shares", "cpu", "shares", Unit::number, "0"},
    {"cpuset-cpus", "cpu", "cpus", Unit::text, ""},
    {"cpuset-mems", "cpu", "mems", Unit::text, ""},
    {"memory", "memory", "limit", Unit::bytes, "0"},
    {"memory-reservation", "memory", "reservation", Unit::bytes, "0"},
    {"memory-swap", "memory", "swap", Unit::bytes, "0"},
    {"memory-swappiness", "memory", "swappiness", Unit::number, "-1"},
    {"pids-limit", "pids", "limit", Unit::number, {}},
};

/// A list of devices: an array of {major, minor, rate}.
struct DeviceList {
  std::string_view option, key, value_key;
};

constexpr DeviceList device_lists[] = {
    {"blkio-weight-device", "weightDevice", "weight"},        {"device-read-bps", "throttleReadBpsDevice", "rate"},
    {"device-read-iops", "throttleReadIOPSDevice", "rate"},   {"device-write-bps", "throttleWriteBpsDevice", "rate"},
    {"device-write-iops", "throttleWriteIOPSDevice", "rate"},
};

/// linux.resources while it is put together: by group and key, values as JSON.
using Groups = std::map<std::string, std::map<std::string, std::string>>;

base::Error bad_value(std::string_view option, std::string_view value, std::string_view form) {
  return make_error(ErrorKind::invalid_argument, "--", option, " ", quoted(value), " is not ", form);
}

std::int64_t number_of(const Limit& limit, const std::string& value) {
  if (const auto number = base::parse_signed(value)) return *number;
  if (limit.unit == Unit::bytes)
    if (const auto bytes = base::parse_size(value); bytes && *bytes <= INT64_MAX)
      return static_cast<std::int64_t>(*bytes);
  throw bad_value(limit.option, value, limit.unit == Unit::bytes ? "a size like 64m" : "a number");
}

/// As podman and docker: a quota of that many periods of 100 ms. Nothing: no limit.
std::optional<std::int64_t> quota_of(const std::string& cpus) {
  double count = 0;
  const auto [end, problem] = std::from_chars(cpus.data(), cpus.data() + cpus.size(), count);
  if (problem != std::errc{} || end != cpus.data() + cpus.size() || !(count >= 0) || count > 1e6)
    throw bad_value("cpus", cpus, "a number of CPUs like 1.5");
  if (count == 0) return std::nullopt;
  if (count < 0.01) throw bad_value("cpus", cpus, "0.01 or more, which is the least that the kernel knows");
  return std::llround(count * 100'000);
}

bool asks_for_none(const Limit& limit, const std::string& value) {
  return value.empty() || (!limit.no_limit.empty() && value == limit.no_limit);
}

void add_values(Groups& groups, const LimitWords& words) {
  for (const Limit& limit : known_limits) {
    const std::string* value = words.find(limit.option);
    if (value == nullptr || asks_for_none(limit, *value)) continue;
    base::JsonWriter text;
    groups[std::string{limit.group}][std::string{limit.key}] =
        limit.unit == Unit::text ? text.value(*value).take() : concat(number_of(limit, *value));
  }
  if (const std::string* cpus = words.find("cpus"); cpus != nullptr && !cpus->empty()) {
    if (const auto quota = quota_of(*cpus)) {
      groups["cpu"]["quota"] = concat(*quota);
      groups["cpu"]["period"] = "100000";
    }
  }
  if (const std::string* none = words.find("oom-kill-disable"); none != nullptr && *none == "true")
    groups["memory"]["disableOOMKiller"] = "true";
}

void add_default_swap(Groups& groups) {
  const auto found = groups.find("memory");
  if (found == groups.end() || found->second.contains("swap")) return;
  const auto limit = found->second.find("limit");
  if (limit == found->second.end()) return;
  const auto bytes = base::parse_signed(limit->second);
  if (bytes && *bytes > 0 && *bytes < INT64_MAX / 2) found->second["swap"] = concat(*bytes * 2);
}

/// Version 2 knows swap alone, so a limit for both cannot stand alone; and no number of processes is no limit.
void settle(Groups& groups) {
  auto& pids = groups["pids"];
  if (const auto limit = pids.find("limit"); limit != pids.end() && base::parse_signed(limit->second).value_or(0) <= 0)
    limit->second = "-1";
  auto& memory = groups["memory"];
  if (!memory.contains("limit") && memory.contains("swap") && memory["swap"] == "-1") memory.erase("swap");
}

std::vector<std::string> list_of(const LimitWords& words, std::string_view option) {
  const auto found = words.lists.find(option);
  return found == words.lists.end() ? std::vector<std::string>{} : found->second;
}

void write_device(base::JsonWriter& json, const DeviceList& list, const std::string& word) {
  const std::size_t colon = word.rfind(':');
  const std::string path = word.substr(0, colon), value = colon == std::string::npos ? "" : word.substr(colon + 1);
  const bool is_bytes = list.option.ends_with("-bps");
  const auto rate = is_bytes ? base::parse_size(value) : base::parse_unsigned(value);
  struct stat info {};
  if (!rate || ::stat(path.c_str(), &info) != 0)
    throw bad_value(list.option, word, is_bytes ? "a device and bytes a second" : "a device and a number");
  json.begin_object().member("major", ::major(info.st_rdev)).member("minor", ::minor(info.st_rdev));
  json.member(list.value_key, *rate).end_object();
}

void add_devices(Groups& groups, const LimitWords& words) {
  for (const DeviceList& list : device_lists) {
    const std::vector<std::string> devices = list_of(words, list.option);
    if (devices.empty()) continue;
    base::JsonWriter json;
    json.begin_array();
    for (const std::string& word : devices) write_device(json, list, word);
    groups["blockIO"][std::string{list.key}] = json.end_array().take();
  }
  for (const std::string& word : list_of(words, "cgroup-conf")) {
    const auto pair = base::split_once(word, '=');
    if (!pair) throw bad_value("cgroup-conf", word, "FILE=VALUE");
    base::JsonWriter value;
    groups["unified"][std::string{pair->first}] = value.value(std::string{pair->second}).take();
  }
}

/// "c 1:3 rwm" as {"allow":true,"type":"c","major":1,"minor":3,"access":"rwm"}; "*" is all.
void write_device_rule(base::JsonWriter& json, const std::string& rule) {
  const auto words = base::split(rule, ' ');
  const auto numbers = words.size() == 3 ? base::split_once(words[1], ':') : std::nullopt;
  if (!numbers) throw bad_value("device-cgroup-rule", rule, "TYPE MAJOR:MINOR ACCESS");
  json.begin_object().member("allow", true).member("type", words[0]);
  for (const auto& [key, text] : {std::pair{"major", numbers->first}, std::pair{"minor", numbers->second}})
    if (const auto number = base::parse_unsigned(text)) json.member(key, *number);
  json.member("access", words[2]).end_object();
}

/// Everything else that containers always have is added by the runtime. Source: runtime/cgroup_devices.hpp.
std::string device_rules_json(const std::vector<std::string>& rules) {
  base::JsonWriter json;
  json.begin_array();
  json.begin_object().member("allow", false).member("access", "rwm").end_object();
  for (const std::string& rule : rules) write_device_rule(json, rule);
  return json.end_array().take();
}

std::string to_json(const Groups& groups, const std::string& device_rules) {
  base::JsonWriter json;
  json.begin_object();
  if (!device_rules.empty()) json.key("devices").raw(device_rules);
  bool is_empty = device_rules.empty();
  for (const auto& [group, values] : groups) {
    if (values.empty()) continue;
    is_empty = false;
    json.key(group).begin_object();
    for (const auto& [key, value] : values) json.key(key).raw(value);
    json.end_object();
  }
  json.end_object();
  return is_empty ? std::string{} : json.take();
}

Groups to_groups(const std::string& json, std::string& device_rules) {
  Groups groups;
  if (json.empty()) return groups;
  for (const auto& [group, values] : base::JsonAt::parse(json, "linux.resources").members()) {
    if (values.is_array())
      device_rules = values.dump();
    else
      for (const auto& [key, value] : values.members()) groups[group][key] = value.dump();
  }
  return groups;
}

}  // namespace

const std::string* LimitWords::find(std::string_view option) const {
  const auto found = values.find(option);
  return found == values.end() ? nullptr : &found->second;
}

std::string resources_of(const LimitWords& words, bool with_default_swap) {
  Groups groups;
  add_values(groups, words);
  settle(groups);
  if (with_default_swap) add_default_swap(groups);
  add_devices(groups, words);
  const std::vector<std::string> rules = list_of(words, "device-cgroup-rule");
  return to_json(groups, rules.empty() ? std::string{} : device_rules_json(rules));
}

std::string merged_resources(const std::string& resources, const std::string& changes) {
  std::string device_rules;
  Groups groups = to_groups(resources, device_rules);
  for (auto& [group, values] : to_groups(changes, device_rules))
    for (auto& [key, value] : values) groups[group][key] = value;
  return to_json(groups, device_rules);
}

std::string option_of_field(std::string_view field) {
  const auto pair = base::split_once(field, '.');
  if (!pair) return std::string{field};
  for (const Limit& limit : known_limits)
    if (limit.group == pair->first && limit.key == pair->second) return concat("--", limit.option);
  for (const DeviceList& list : device_lists)
    if (pair->first == "blockIO" && list.key == pair->second) return concat("--", list.option);
  if (field == "memory.disableOOMKiller") return "--oom-kill-disable";
  if (pair->first == "unified") return "--cgroup-conf";
  return std::string{field};
}

}  // namespace engine
