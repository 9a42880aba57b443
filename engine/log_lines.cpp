#include "engine/log_lines.hpp"

#include <array>
#include <cstdlib>

#include "base/error.hpp"

namespace engine {

namespace {

/// "1h30m", "90s", "1.5h". Source: Go time.ParseDuration.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  double total_seconds = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const std::size_t digits = text.find_first_not_of("0123456789.");
    if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
    const double number = std::strtod(std::string{text.substr(0, digits)}.c_str(), nullptr);
    text.remove_prefix(digits);
    double unit = 0;
    std::size_t length = 1;
    if (text.starts_with("ms")) {
      unit = 1e-3;
      length = 2;
    } else if (text.starts_with("us")) {
      unit = 1e-6;
      length = 2;
    } else if (text.starts_with("ns")) {
      unit = 1e-9;
      length = 2;
    } else if (text.starts_with('h')) {
      unit = 3600;
    } else if (text.starts_with('m')) {
      unit = 60;
    } else if (text.starts_with('s')) {
      unit = 1;
    } else {
      return std::nullopt;
    }
    total_seconds += number * unit;
    text.remove_prefix(length);
  }
  return std::chrono::nanoseconds{static_cast<std::int64_t>(total_seconds * 1e9)};
}

std::optional<base::Time> parse_unix_time(std::string_view text) {
  const auto parts = base::split_once(text, '.');
  const auto seconds = base::parse_unsigned(parts ? parts->first : text);
  if (!seconds) return std::nullopt;
  std::string fraction{parts ? parts->second : ""};
  fraction.resize(9, '0');
  const auto nanoseconds = base::parse_unsigned(fraction);
  if (!nanoseconds) return std::nullopt;
  return base::Time{std::chrono::seconds{*seconds} + std::chrono::nanoseconds{*nanoseconds}};
}

}  // namespace

std::optional<LogLine> parse_log_line(std::string_view line) {
  const auto time = base::split_once(line, ' ');
  if (!time) return std::nullopt;
  const auto stream = base::split_once(time->second, ' ');
  if (!stream || (stream->first != "stdout" && stream->first != "stderr")) return std::nullopt;
  const std::string_view rest = stream->second;
  if (rest.size() < 2 || (rest[0] != 'F' && rest[0] != 'P') || rest[1] != ' ') return std::nullopt;
  return LogLine{time->first, stream->first == "stderr", rest[0] == 'P', rest.substr(2)};
}

base::Time parse_log_time(std::string_view text, base::Time now, int sign) {
  if (const auto seconds = parse_unix_time(text)) return *seconds;
  if (const auto duration = parse_duration(text)) return now + *duration * sign;
  for (const char* rest : {"", "Z", ":00Z", "T00:00:00Z"})
    if (const auto time = base::parse_rfc3339(base::concat(text, rest))) return *time;
  throw base::make_error(base::ErrorKind::invalid_argument, "time ", base::quoted(text),
                         " is neither RFC 3339, nor seconds since 1970, nor a duration like 1h30m");
}

}  // namespace engine
