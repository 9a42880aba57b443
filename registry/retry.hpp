#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace registry {

/// The longest that we wait before a retry. A registry that asks for more is not asked again: the user learns at once.
inline constexpr std::chrono::seconds max_retry_wait{30};

struct FailedAttempt {
  unsigned number = 1;      ///< 1 for the first try.
  int status = 0;           ///< HTTP status; 0: the connection failed in a way that may pass.
  std::string retry_after;  ///< The header's value; empty when there was none.
};

/// Pure. How long to wait before trying again, or nothing: give up. Waits double from half a second.
/// Worth a retry: 0, 408, 429, 500, 502, 503, 504. Of Retry-After the number of seconds is honoured; a date is not.
/// Source: RFC 9110 10.2.3.
std::optional<std::chrono::milliseconds> wait_before_retry(const FailedAttempt& failed, unsigned retries);

}  // namespace registry
