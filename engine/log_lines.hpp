#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace engine {

/// One line of a k8s-file log: "2026-11-22T03:07:58.123456789Z stdout F text". Partial lines (P) belong to the next.
struct LogLine {
  std::string_view time;
  bool is_stderr = false;
  bool is_partial = false;
  std::string_view text;
};
/// Nothing for a line that is none (damaged by a crash): it is skipped.
std::optional<LogLine> parse_log_line(std::string_view line);

/// --since and --until: RFC 3339 (also without time or zone), seconds since 1970 with fraction, or a duration before
/// now such as "1h30m"; after it with `sign` 1. @throws Error invalid_argument.
base::Time parse_log_time(std::string_view text, base::Time now, int sign = -1);

}  // namespace engine
