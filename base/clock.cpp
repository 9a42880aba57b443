#include "base/clock.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/text.hpp"

namespace base {
namespace {

using namespace std::chrono;

std::optional<Time> fixed_time;

/// Takes exactly `count` digits off the front.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  const std::optional<std::uint64_t> number = parse_unsigned(text.substr(0, count));
  if (number) text.remove_prefix(count);
  return number ? std::optional{static_cast<int>(*number)} : std::nullopt;
}

bool take(std::string_view& text, std::string_view allowed) {
  if (text.empty() || allowed.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

/// "2026-11-22T03:07:58": seconds since 1970 as if it were UTC. A leap second counts as the next second.
std::optional<sys_seconds> take_date_and_time(std::string_view& text) {
  std::array<int, 6> fields{};
  constexpr std::array<std::string_view, 5> separators = {"-", "-", "Tt ", ":", ":"};
  for (std::size_t index = 0; index < fields.size(); ++index) {
    const std::optional<int> field = take_digits(text, index == 0 ? 4 : 2);
    if (!field || (index < separators.size() && !take(text, separators[index]))) return std::nullopt;
    fields[index] = *field;
  }
  const year_month_day date{year{fields[0]}, month{static_cast<unsigned>(fields[1])},
                            day{static_cast<unsigned>(fields[2])}};
  if (!date.ok() || fields[3] > 23 || fields[4] > 59 || fields[5] > 60) return std::nullopt;
  return sys_days{date} + hours{fields[3]} + minutes{fields[4]} + seconds{fields[5]};
}

/// ".123456789": what is finer than a nanosecond is cut.
std::optional<nanoseconds> take_fraction(std::string_view& text) {
  if (!take(text, ".")) return nanoseconds{0};
  std::int64_t value = 0, unit = 100'000'000;
  const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  if (end == 0) return std::nullopt;
  for (const char digit : text.substr(0, end)) {
    value += (digit - '0') * unit;
    unit /= 10;
  }
  text.remove_prefix(end);
  return nanoseconds{value};
}

std::optional<seconds> take_offset(std::string_view& text) {
  if (take(text, "Zz")) return seconds{0};
  const bool west = !text.empty() && text[0] == '-';
  if (!take(text, "+-")) return std::nullopt;
  const std::optional<int> offset_hours = take_digits(text, 2);
  if (!offset_hours || !take(text, ":")) return std::nullopt;
  const std::optional<int> offset_minutes = take_digits(text, 2);
  if (!offset_minutes || *offset_hours > 23 || *offset_minutes > 59) return std::nullopt;
  const seconds offset = hours{*offset_hours} + minutes{*offset_minutes};
  return west ? -offset : offset;
}

}  // namespace

Time now() {
  if (fixed_time) return *fixed_time;
  return time_point_cast<nanoseconds>(system_clock::now());
}

void set_clock_for_tests(std::optional<Time> fixed) {
  fixed_time = fixed;
}

std::string format_rfc3339(Time time) {
  const auto day_start = floor<days>(time);
  const year_month_day date{day_start};
  const hh_mm_ss clock{time - day_start};
  char buffer[64];
  const int length = std::snprintf(
      buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02d.%09lld", int{date.year()}, unsigned{date.month()},
      unsigned{date.day()}, static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<long long>(clock.subseconds().count()));
  std::string text(buffer, static_cast<std::size_t>(length));
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text + "Z";
}

std::optional<Time> parse_rfc3339(std::string_view text) {
  const std::optional<sys_seconds> wall = take_date_and_time(text);
  if (!wall) return std::nullopt;
  const std::optional<nanoseconds> fraction = take_fraction(text);
  const std::optional<seconds> offset = fraction ? take_offset(text) : std::nullopt;
  if (!offset || !text.empty()) return std::nullopt;
  const sys_seconds utc = *wall - *offset;
  if (utc <= ceil<seconds>(Time::min())) return Time::min();
  if (utc >= floor<seconds>(Time::max())) return Time::max();
  return Time{utc} + *fraction;
}

std::string human_duration(seconds duration) {
  const std::int64_t total_seconds = duration.count();
  const std::int64_t total_minutes = total_seconds / 60;
  const std::int64_t rounded_hours = (total_seconds + 1800) / 3600;
  if (total_seconds < 1) return "Less than a second";
  if (total_seconds == 1) return "1 second";
  if (total_seconds < 60) return concat(total_seconds, " seconds");
  if (total_minutes == 1) return "About a minute";
  if (total_minutes < 60) return concat(total_minutes, " minutes");
  if (rounded_hours == 1) return "About an hour";
  if (rounded_hours < 48) return concat(rounded_hours, " hours");
  if (rounded_hours < 24 * 7 * 2) return concat(rounded_hours / 24, " days");
  if (rounded_hours < 24 * 30 * 2) return concat(rounded_hours / 24 / 7, " weeks");
  if (rounded_hours < 24 * 365 * 2) return concat(rounded_hours / 24 / 30, " months");
  return concat(total_seconds / 3600 / 24 / 365, " years");
}

}  // namespace base
