#include "runtime/systemd_properties.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"

namespace runtime {
namespace {

constexpr std::uint64_t infinity = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t microseconds_per_second = 1'000'000;
constexpr std::size_t max_unit_bytes = 255;
constexpr std::size_t max_cpu = 8191;  // CONFIG_NR_CPUS has no more on any architecture

bool is_unit_byte(char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         std::string_view{":-_.\\@"}.find(byte) != std::string_view::npos;
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char byte : text) {
    if (is_unit_byte(byte)) {
      result.push_back(byte);
    } else {
      result.append("\\x").append(base::to_hex(&byte, 1));
    }
  }
  return result;
}

// "a-b.slice" lies in "a.slice", so every part between hyphens must be there; "-.slice" is the root.
void check_slice(std::string_view slice) {
  const std::string_view stem =
      slice.substr(0, slice.size() - std::min(slice.size(), std::string_view{".slice"}.size()));
  const bool is_name = slice.ends_with(".slice") && slice.size() <= max_unit_bytes && !stem.empty() &&
                       std::all_of(stem.begin(), stem.end(), is_unit_byte) && !stem.starts_with('-') &&
                       !stem.ends_with('-') && stem.find("--") == std::string_view::npos;
  if (is_name || slice == "-.slice") return;
  throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(slice),
                         " in cgroupsPath is no name of a slice");
}

using MaybeValue = std::optional<DbusValue>;

// Bytes or counts, with "max" for no limit.
MaybeValue limit(std::string_view value) {
  if (value == "max") return infinity;
  const auto number = base::parse_unsigned(value);
  return number ? MaybeValue{*number} : std::nullopt;
}

// "100", or "default 100" of io.weight; weights of single devices have another form and are left to the file.
MaybeValue weight(std::string_view value) {
  if (value.starts_with("default ")) value.remove_prefix(8);
  const auto number = base::parse_unsigned(value);
  return number ? MaybeValue{*number} : std::nullopt;
}

// A list such as "0-3,7" as a bit per number, the first in the lowest bit of the first byte.
MaybeValue bits(std::string_view list) {
  std::vector<std::uint8_t> result;
  for (const std::string_view part : base::split(list, ',')) {
    const auto range = base::split_once(part, '-');
    const auto first = base::parse_unsigned(base::trim(range ? range->first : part));
    const auto last = range ? base::parse_unsigned(base::trim(range->second)) : first;
    if (!first || !last || *first > *last || *last > max_cpu) return std::nullopt;
    result.resize(std::max<std::size_t>(result.size(), *last / 8 + 1));
    for (std::uint64_t bit = *first; bit <= *last; ++bit) {
      result[bit / 8] = static_cast<std::uint8_t>(result[bit / 8] | 1U << bit % 8);
    }
  }
  return result;
}

struct FileProperty {
  std::string_view file;
  std::string_view property;
  MaybeValue (*convert)(std::string_view);
};
constexpr FileProperty file_properties[] = {
    {"memory.max", "MemoryMax", limit},          {"memory.low", "MemoryLow", limit},
    {"memory.min", "MemoryMin", limit},          {"memory.high", "MemoryHigh", limit},
    {"memory.swap.max", "MemorySwapMax", limit}, {"pids.max", "TasksMax", limit},
    {"cpu.weight", "CPUWeight", weight},         {"io.weight", "IOWeight", weight},
    {"cpuset.cpus", "AllowedCPUs", bits},        {"cpuset.mems", "AllowedMemoryNodes", bits},
};

// cpu.max, "QUOTA PERIOD" or "max PERIOD" in microseconds. systemd keeps whole percents of a CPU; part of one is
// rounded up, for the container was promised no less.
void append_cpu_max(std::string_view value, std::vector<DbusProperty>& properties) {
  constexpr std::uint64_t percent = 10'000;
  const auto words = base::split_once(value, ' ');
  const std::string_view quota_word = words ? words->first : value;
  const auto period = words ? base::parse_unsigned(words->second) : std::optional<std::uint64_t>{100'000};
  if (!period || *period == 0) return;
  if (quota_word == "max") {
    properties.push_back({"CPUQuotaPerSecUSec", infinity});
    return;
  }
  const auto quota = base::parse_unsigned(quota_word);
  if (!quota || *quota > infinity / microseconds_per_second) return;
  const std::uint64_t per_second = *quota * microseconds_per_second / *period;
  properties.push_back({"CPUQuotaPerSecUSec", std::max(percent, (per_second + percent - 1) / percent * percent)});
  properties.push_back({"CPUQuotaPeriodUSec", *period});
}

void append_property(std::string_view file, std::string_view value, std::vector<DbusProperty>& properties) {
  if (file == "cpu.max") append_cpu_max(value, properties);
  for (const FileProperty& row : file_properties) {
    if (row.file != file) continue;
    if (auto converted = row.convert(value)) properties.push_back({std::string{row.property}, std::move(*converted)});
  }
}

}  // namespace

ScopeName parse_scope_name(std::string_view cgroups_path, std::string_view container_id, bool is_user) {
  const std::string usual = base::concat(":engine:", container_id);
  const std::vector<std::string_view> parts = base::split(cgroups_path.empty() ? usual : cgroups_path, ':');
  if (parts.size() != 3 || parts[2].empty()) {
    throw base::make_error(base::ErrorKind::invalid_argument, "cgroupsPath is ", base::quoted(cgroups_path),
                           ", which is not SLICE:PREFIX:NAME")
        .with_hint("paths are for --cgroup-manager=cgroupfs");
  }
  ScopeName name{.slice = std::string{parts[0]}, .unit = escaped(parts[1])};
  if (name.slice.empty()) name.slice = is_user ? "user.slice" : "system.slice";
  check_slice(name.slice);
  if (!name.unit.empty()) name.unit.push_back('-');
  name.unit.append(escaped(parts[2])).append(".scope");
  if (name.unit.size() > max_unit_bytes) {
    throw base::make_error(base::ErrorKind::invalid_argument, "the name of the unit ", base::quoted(name.unit),
                           " is longer than ", max_unit_bytes, " bytes");
  }
  return name;
}

std::string scope_path(std::string_view process_cgroup_text, std::string_view unit) {
  for (const std::string_view line : base::split(process_cgroup_text, '\n')) {
    const auto number_and_rest = base::split_once(line, ':');
    const auto controllers_and_path = number_and_rest ? base::split_once(number_and_rest->second, ':') : std::nullopt;
    if (!controllers_and_path) continue;
    const std::string_view path = controllers_and_path->second;
    if (path.starts_with('/') && path.substr(path.rfind('/') + 1) == unit) return std::string{path};
  }
  return {};
}

std::vector<DbusProperty> properties_of_settings(const std::vector<CgroupSetting>& settings) {
  std::vector<DbusProperty> properties;
  for (const CgroupSetting& setting : settings) {
    append_property(setting.file, setting.value, properties);
    append_property(setting.else_file, setting.else_value, properties);
  }
  return properties;
}

}  // namespace runtime
