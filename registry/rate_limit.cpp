#include "registry/rate_limit.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"
#include "registry/retry.hpp"

namespace registry {
namespace {

constexpr std::uint64_t hour_seconds = 3600;

/// "6 hours", "90 seconds"
std::string window_text(std::uint64_t seconds) {
  if (seconds % hour_seconds == 0 && seconds > 0)
    return seconds == hour_seconds ? "an hour" : base::concat(seconds / hour_seconds, " hours");
  if (seconds % 60 == 0 && seconds > 0) return seconds == 60 ? "a minute" : base::concat(seconds / 60, " minutes");
  return base::concat(seconds, " seconds");
}

/// "100;w=21600": the number, and what it is counted in.
std::string limit_text(std::string_view header) {
  const std::vector<std::string_view> fields = base::split(header, ';');
  const auto count = base::parse_unsigned(base::trim(fields.front()));
  if (!count) return {};
  std::string text = base::concat("its limit is ", *count, *count == 1 ? " request" : " requests");
  for (const std::string_view field : fields) {
    const auto pair = base::split_once(base::trim(field), '=');
    const auto window = pair && pair->first == "w" ? base::parse_unsigned(pair->second) : std::nullopt;
    if (window) text += base::concat(" in ", window_text(*window));
  }
  return text;
}

bool is_harmless(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

/// "12:30:00 UTC", with the day when it is another one.
std::string moment_text(base::Time moment, base::Time now) {
  const std::string text = base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(moment));
  const std::string today = base::format_rfc3339(now);
  const std::string time = base::concat(std::string_view{text}.substr(11, 8), " UTC");
  return text.substr(0, 10) == today.substr(0, 10) ? time : base::concat(text.substr(0, 10), ' ', time);
}

}  // namespace

std::string describe_limit(const LimitHeaders& headers, base::Time now) {
  std::string text;
  const std::string limit = limit_text(headers.limit);
  if (!limit.empty()) {
    text = base::concat("; ", limit);
    if (is_harmless(headers.source)) text += base::concat(" for ", headers.source);
  }
  const auto wait = parse_retry_after(headers.retry_after, now);
  if (!wait || wait->count() == 0) return text;
  if (*wait > std::chrono::hours{24 * 366}) return text + "; again after more than a year";
  return text + base::concat("; again after ", moment_text(now + *wait, now), " (in ",
                             window_text(static_cast<std::uint64_t>(wait->count())), ")");
}

}  // namespace registry
