#include "registry/retry.hpp"

#include <algorithm>

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

}  // namespace

std::optional<std::chrono::milliseconds> wait_before_retry(const FailedAttempt& failed, unsigned retries) {
  if (failed.number > retries || !may_pass(failed.status)) return std::nullopt;
  constexpr std::chrono::milliseconds first{500};
  std::chrono::milliseconds wait = first * (1U << std::min(failed.number - 1, 10U));
  wait = std::min<std::chrono::milliseconds>(wait, max_retry_wait);
  const std::string_view asked = base::trim(failed.retry_after);
  if (!is_all_digits(asked)) return wait;
  const std::optional<std::uint64_t> seconds = base::parse_unsigned(asked);
  const auto longest = static_cast<std::uint64_t>(max_retry_wait.count());
  if (!seconds || *seconds > longest) return std::nullopt;  // no value: more digits than fit, so centuries
  return std::max(wait, std::chrono::milliseconds{*seconds * 1000});
}

}  // namespace registry
