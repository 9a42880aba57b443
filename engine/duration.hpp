#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace engine {

/// Pure. "500ms", "1.5s", "1m30s", "2h" as Go writes durations; a number alone is seconds. Nothing when malformed,
/// negative, or longer than a year.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace engine
