#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "runtime/cgroup.hpp"

namespace cmd {

/// One line of `events --stats`, in runc's shape. Source: runc types/events.go; figures that no controller counts are
/// absent, or zero where runc always has them.
std::string statistics_event(const std::string& id, const runtime::CgroupStatistics& statistics);

/// "5s", "1m30s", "1.5h", "250ms": a duration as Go writes it, positive. @throws Error invalid_argument.
std::chrono::milliseconds parse_go_duration(std::string_view text);

}  // namespace cmd
