#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace registry {

/// The longest that we wait before a retry. A registry that asks for more is not asked again: the user learns at once.
inline constexpr std::chrono::seconds max_retry_wait{30};

struct FailedAttempt {
  unsigned number = 1;      ///< 1 for the first try.
  int status = 0;           ///< HTTP status; 0: the connection failed in a way that may pass.
  std::string retry_after;  ///< The header's value; empty when there was none.
  std::optional<std::chrono::milliseconds> fixed_delay;  ///< What the user wants between two attempts.
  base::Time now{};                                      ///< For a Retry-After that is a date.
};

/// Pure. Seconds from `now` on: a number, or a date as HTTP writes it ("Fri, 31 Dec 2038 23:59:59 GMT"), of which the
/// past is 0. Nothing when it is neither; more digits than fit count as the longest time that there is.
/// Source: RFC 9110 10.2.3, 5.6.7.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view text, base::Time now);

/// Pure. How long to wait before trying again, or nothing: give up. Waits double from half a second, unless there is a
/// fixed delay; Retry-After makes them longer. Worth a retry: 0, 408, 429, 500, 502, 503, 504.
std::optional<std::chrono::milliseconds> wait_before_retry(const FailedAttempt& failed, unsigned retries);

}  // namespace registry
