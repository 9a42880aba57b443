#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/cgroup_settings.hpp"
#include "runtime/dbus_message.hpp"

namespace runtime {

/// The unit of a container.
struct ScopeName {
  std::string slice;  ///< "machine.slice"
  std::string unit;   ///< "libpod-0123.scope"
};

/// Pure: what cgroupsPath means to a systemd manager. "slice:prefix:name" is prefix-name.scope in slice; an empty slice
/// is system.slice, of a user's manager user.slice; an empty prefix leaves out its hyphen. An empty path means
/// ":engine:ID". What unit names may not hold is escaped as systemd-escape(1) does.
/// @throws Error invalid_argument for any other form, and for slices that systemd would not make.
ScopeName parse_scope_name(std::string_view cgroups_path, std::string_view container_id, bool is_user);

/// Pure: the path of the scope from the text of a member's /proc/PID/cgroup; empty when it is in no cgroup of that
/// name.
std::string scope_path(std::string_view process_cgroup_text, std::string_view unit);

/// Pure: the properties that mean the same as settings for v2 ("memory.max" is MemoryMax). What systemd has no property
/// for is left out: nobody but us writes those files. Neither are devices: systemd leaves filters alone that it did not
/// attach.
std::vector<DbusProperty> properties_of_settings(const std::vector<CgroupSetting>& settings);

/// Pure: annotations "org.systemd.property.NAME" with values in the text form of GVariant: `true`, `'text'`, `5`,
/// `uint64 5`, `['a', 'b']`. NAMESec becomes NAMEUSec. Other annotations are ignored.
/// @throws Error invalid_argument naming the annotation.
std::vector<DbusProperty> properties_of_annotations(
    const std::vector<std::pair<std::string, std::string>>& annotations);

}  // namespace runtime
