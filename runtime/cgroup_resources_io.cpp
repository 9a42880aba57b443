#include "runtime/cgroup_resources_io.hpp"

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "base/text.hpp"

namespace runtime {
namespace {

using base::JsonAt;

constexpr std::size_t max_file_name_bytes = 255;
constexpr std::size_t max_interface_name_bytes = 15;  // IFNAMSIZ without its NUL
constexpr std::uint32_t max_device_number = 0xfffff;  // MINORBITS of the kernel; majors have 12 bits

std::vector<JsonAt> entries_of(const JsonAt& json, std::size_t limit) {
  std::vector<JsonAt> entries = json.array();
  if (entries.size() > limit) throw json.error(base::concat("has more than ", limit, " entries"));
  return entries;
}

std::uint32_t number32_of(const JsonAt& json) {
  const std::uint64_t value = json.unsigned_integer();
  if (value > std::numeric_limits<std::uint32_t>::max()) throw json.error("does not fit into 32 bits");
  return static_cast<std::uint32_t>(value);
}

std::optional<std::uint32_t> optional_number32(const JsonAt& json, std::string_view key) {
  const auto field = json.find(key);
  if (!field) return std::nullopt;
  return number32_of(*field);
}

std::uint32_t device_number_of(const JsonAt& json) {
  const std::uint32_t value = number32_of(json);
  if (value > max_device_number) throw json.error("is no device number");
  return value;
}

/// -1 is what some engines write for "all".
std::optional<std::uint32_t> device_number_or_all(const JsonAt& json, std::string_view key) {
  const auto field = json.find(key);
  if (!field || field->integer() == -1) return std::nullopt;
  return device_number_of(*field);
}

DeviceRule device_rule_of(const JsonAt& json) {
  DeviceRule rule{.allow = json.at("allow").boolean()};
  const std::string type = json.string_or("type", "a");
  if (type != "" && type != "a" && type != "b" && type != "c")
    throw json.at("type").error(base::concat("is none of a, b, c: ", base::quoted(type)));
  if (!type.empty()) rule.type = type.front();
  rule.major = device_number_or_all(json, "major");
  rule.minor = device_number_or_all(json, "minor");
  const std::string access = json.string_or("access", "");
  if (access.find_first_not_of("rwm") != std::string::npos)
    throw json.at("access").error(base::concat("has other letters than r, w and m: ", base::quoted(access)));
  if (access.empty()) return rule;
  rule.read = access.find('r') != std::string::npos;
  rule.write = access.find('w') != std::string::npos;
  rule.node = access.find('m') != std::string::npos;
  return rule;
}

std::optional<std::uint16_t> weight_of(const JsonAt& json, std::string_view key) {
  const auto field = json.find(key);
  if (!field) return std::nullopt;
  const std::uint64_t value = field->unsigned_integer();
  if (value == 0) return std::nullopt;
  if (value < 10 || value > 1000) throw field->error("is not between 10 and 1000");
  return static_cast<std::uint16_t>(value);
}

std::vector<BlockThrottle> throttles_of(const JsonAt& json, std::string_view key) {
  std::vector<BlockThrottle> result;
  const auto field = json.find(key);
  if (!field) return result;
  for (const JsonAt& entry : entries_of(*field, max_block_devices)) {
    result.push_back({.major = device_number_of(entry.at("major")),
                      .minor = device_number_of(entry.at("minor")),
                      .rate = entry.at("rate").unsigned_integer()});
  }
  return result;
}

/// "64KB", "2MB", "1GB": a part of a file's name, so nothing else may come through.
bool is_page_size(std::string_view text) {
  if (text.size() < 3 || text.size() > 16 || text.front() == '0') return false;
  const std::string_view unit = text.substr(text.size() - 2);
  return base::parse_unsigned(text.substr(0, text.size() - 2)).has_value() &&
         (unit == "KB" || unit == "MB" || unit == "GB");
}

bool is_one_word(std::string_view text, std::size_t limit) {
  const auto is_visible = [](char letter) { return letter > ' ' && letter != '\x7f'; };
  return !text.empty() && text.size() <= limit && std::all_of(text.begin(), text.end(), is_visible);
}

}  // namespace

std::vector<DeviceRule> device_rules_of(const JsonAt& json) {
  std::vector<DeviceRule> rules;
  for (const JsonAt& entry : entries_of(json, max_device_rules)) rules.push_back(device_rule_of(entry));
  return rules;
}

BlockIoResources block_io_of(const JsonAt& json) {
  BlockIoResources result;
  result.weight = weight_of(json, "weight");
  result.leaf_weight = weight_of(json, "leafWeight");
  if (const auto field = json.find("weightDevice")) {
    for (const JsonAt& entry : entries_of(*field, max_block_devices)) {
      BlockWeight& weight = result.device_weights.emplace_back();
      weight.major = device_number_of(entry.at("major"));
      weight.minor = device_number_of(entry.at("minor"));
      weight.weight = weight_of(entry, "weight");
      weight.leaf_weight = weight_of(entry, "leafWeight");
      if (!weight.weight && !weight.leaf_weight) throw entry.error("has neither weight nor leafWeight");
    }
  }
  result.read_bps = throttles_of(json, "throttleReadBpsDevice");
  result.write_bps = throttles_of(json, "throttleWriteBpsDevice");
  result.read_iops = throttles_of(json, "throttleReadIOPSDevice");
  result.write_iops = throttles_of(json, "throttleWriteIOPSDevice");
  return result;
}

std::vector<HugepageLimit> hugepage_limits_of(const JsonAt& json) {
  std::vector<HugepageLimit> result;
  for (const JsonAt& entry : entries_of(json, max_resource_entries)) {
    const JsonAt size = entry.at("pageSize");
    if (!is_page_size(size.string()))
      throw size.error(base::concat("is not a size such as \"2MB\": ", base::quoted(size.string())));
    result.push_back({.page_size = size.string(), .limit = entry.at("limit").unsigned_integer()});
  }
  return result;
}

std::optional<std::uint32_t> network_class_id_of(const JsonAt& json) {
  return optional_number32(json, "classID");
}

std::vector<NetworkPriority> network_priorities_of(const JsonAt& json) {
  std::vector<NetworkPriority> result;
  const auto field = json.find("priorities");
  if (!field) return result;
  for (const JsonAt& entry : entries_of(*field, max_resource_entries)) {
    const JsonAt name = entry.at("name");
    if (!is_one_word(name.string(), max_interface_name_bytes)) throw name.error("is no name of a network interface");
    result.push_back({.interface = name.string(), .priority = number32_of(entry.at("priority"))});
  }
  return result;
}

std::vector<RdmaLimit> rdma_limits_of(const JsonAt& json) {
  std::vector<RdmaLimit> result;
  const auto members = json.members();
  if (members.size() > max_resource_entries) throw json.error("has too many entries");
  for (const auto& [device, entry] : members) {
    if (!is_one_word(device, max_file_name_bytes)) throw entry.error("has no usable device name");
    RdmaLimit limit{.device = device,
                    .handles = optional_number32(entry, "hcaHandles"),
                    .objects = optional_number32(entry, "hcaObjects")};
    if (!limit.handles && !limit.objects) throw entry.error("has neither hcaHandles nor hcaObjects");
    result.push_back(std::move(limit));
  }
  return result;
}

std::vector<std::pair<std::string, std::string>> unified_of(const JsonAt& json) {
  auto result = json.string_map();
  if (result.size() > max_resource_entries) throw json.error("has too many entries");
  for (const auto& [name, value] : result) {
    // A separator would reach files of other cgroups.
    if (!is_one_word(name, max_file_name_bytes) || name.find('/') != std::string::npos || name == "." || name == "..")
      throw json.error(base::concat("has a key that is no file name: ", base::quoted(name)));
    if (value.size() > max_unified_value_bytes)
      throw json.error(base::concat("has a value that is too long at ", base::quoted(name)));
  }
  return result;
}

}  // namespace runtime
