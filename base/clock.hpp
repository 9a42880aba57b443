#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace base {

/// Wall clock time with nanoseconds. Tests set the clock with set_clock_for_tests.
using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

Time now();
void set_clock_for_tests(std::optional<Time> fixed);

/// "2026-11-22T03:07:58.123456789Z": RFC 3339 in UTC, nanoseconds with trailing zeros cut, as Go's RFC3339Nano.
std::string format_rfc3339(Time time);
/// Accepts any RFC 3339 offset and fraction; nothing when malformed. What Time cannot hold becomes its nearest end:
/// year 1, which Go writes for "no time", becomes Time::min().
std::optional<Time> parse_rfc3339(std::string_view text);
/// "About a minute", "5 minutes", "2 hours", "3 weeks": docker/go-units HumanDuration.
std::string human_duration(std::chrono::seconds duration);

}  // namespace base
