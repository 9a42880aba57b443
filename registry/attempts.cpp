#include "registry/attempts.hpp"

#include "base/log.hpp"
#include "registry/retry.hpp"

namespace registry {

void Attempts::wait_after(const base::Error& error, int status, const std::string& retry_after) {
  ++number_;
  const auto wait = wait_before_retry(
      {.number = number_, .status = status, .retry_after = retry_after, .fixed_delay = delay_, .now = base::now()},
      retries_);
  if (!wait) throw error;
  base::log(base::LogLevel::warn, error.message(), "; next try in ", wait->count(), " ms");
  sleeper_(*wait);
}

void Attempts::wait_after(const base::Error& error, const HttpResponse& response) {
  wait_after(error, response.status(), response.header("retry-after").value_or(""));
}

}  // namespace registry
