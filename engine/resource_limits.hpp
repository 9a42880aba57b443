#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace engine {

/// Limits as the user wrote them, by the names of their options: "memory" "64m", "cpus" "1.5", "oom-kill-disable"
/// "true". Empty values, and those that ask for no limit, are as good as none.
struct LimitWords {
  std::map<std::string, std::string, std::less<>> values;
  /// "blkio-weight-device", "device-read-bps" and its like, "cgroup-conf", "device-cgroup-rule".
  std::map<std::string, std::vector<std::string>, std::less<>> lists;

  const std::string* find(std::string_view option) const;
};

/// linux.resources of the runtime-spec for these; empty when no limit is asked for.
/// @param with_default_swap  Memory that is limited alone gets as much swap again, as podman and docker have it.
/// @throws Error invalid_argument for a value that is none. Source: config-linux.md, podman-run(1).
std::string resources_of(const LimitWords& words, bool with_default_swap = true);

/// Pure: `resources` with those of `changes` in place of the same ones. Both may be empty.
std::string merged_resources(const std::string& resources, const std::string& changes);

/// Pure: the option that sets a field of linux.resources: "memory.limit" is "--memory"; the field where there is none.
std::string option_of_field(std::string_view field);

}  // namespace engine
