#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/templates/value.hpp"

// Times and durations as Go writes and reads them.

namespace engine::templates {

/// RFC 3339 with any offset and fraction; nothing when malformed.
std::optional<Moment> parse_moment(std::string_view text);
/// "2026-11-22 16:18:15.251646107 +0000 UTC": what Go's Time.String says of a time without a clock reading.
std::string moment_text(const Moment& moment);
/// "2026-11-22T16:18:15.251646107Z"
std::string moment_rfc3339(const Moment& moment);
/// Go's Time.Format. @param layout  Written with Go's reference time: "2006-01-02 15:04".
std::string format_moment(const Moment& moment, std::string_view layout);
/// "1h2m0.5s"
std::string duration_text(std::int64_t nanoseconds);

}  // namespace engine::templates
