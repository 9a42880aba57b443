#include "registry/retry.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/text.hpp"

namespace registry {

namespace {

bool may_pass(int status) {
  switch (status) {
    case 0:
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
      return true;
    default:
      return false;
  }
}

bool is_all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// "31 Dec 2038 23:59:59 GMT": what follows the name of the day.
std::optional<base::Time> parse_date(std::string_view text) {
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::vector<std::string_view> words = base::split(text, ' ');
  if (words.size() != 5 || words[0].size() != 2 || words[1].size() != 3 || words[2].size() != 4 ||
      words[3].size() != 8 || words[4] != "GMT")
    return std::nullopt;
  const std::size_t month = months.find(words[1]);
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  const std::string number = base::concat(month / 3 + 1);
  return base::parse_rfc3339(
      base::concat(words[2], '-', number.size() == 1 ? "0" : "", number, '-', words[0], 'T', words[3], 'Z'));
}

}  // namespace

std::optional<std::chrono::seconds> parse_retry_after(std::string_view text, base::Time now) {
  text = base::trim(text);
  if (is_all_digits(text)) {
    constexpr std::uint64_t longest = 1ULL << 32U;  // seconds: over a century
    return std::chrono::seconds{std::min(base::parse_unsigned(text).value_or(longest), longest)};
  }
  const auto day_and_rest = base::split_once(text, ',');
  const auto date = day_and_rest ? parse_date(base::trim(day_and_rest->second)) : std::nullopt;
  if (!date) return std::nullopt;
  return std::max(std::chrono::ceil<std::chrono::seconds>(*date - now), std::chrono::seconds{0});
}

std::optional<std::chrono::milliseconds> wait_before_retry(const FailedAttempt& failed, unsigned retries) {
  if (failed.number > retries || !may_pass(failed.status)) return std::nullopt;
  constexpr std::chrono::milliseconds first{500};
  std::chrono::milliseconds wait = first * (1U << std::min(failed.number - 1, 10U));
  wait = std::min<std::chrono::milliseconds>(wait, max_retry_wait);
  if (failed.fixed_delay) wait = *failed.fixed_delay;
  const auto asked = parse_retry_after(failed.retry_after, failed.now);
  if (!asked) return wait;
  if (*asked > std::max<std::chrono::milliseconds>(max_retry_wait, wait)) return std::nullopt;
  return std::max<std::chrono::milliseconds>(wait, *asked);
}

}  // namespace registry
