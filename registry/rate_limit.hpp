#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace registry {

/// What a refusal with 429 or 503 said of itself; each may be empty.
struct LimitHeaders {
  std::string retry_after;
  std::string limit;      ///< RateLimit-Limit: "100;w=21600"
  std::string remaining;  ///< RateLimit-Remaining
  std::string source;     ///< Docker-RateLimit-Source: the address or account that the limit is counted for.
};

/// Pure. "; its limit is 100 requests in 6 hours for 192.0.2.7; again after 12:30:00 UTC (in 40 minutes)", or less of
/// it. Source: Docker Hub "Usage and limits"; draft-ietf-httpapi-ratelimit-headers.
std::string describe_limit(const LimitHeaders& headers, base::Time now);

}  // namespace registry
