#pragma once

#include <string>

#include "base/error.hpp"
#include "registry/client.hpp"
#include "registry/http_client.hpp"

namespace registry {

/// Counts the failures of one piece of work, and sleeps or gives up.
class Attempts {
 public:
  /// `sleeper` must outlive it.
  Attempts(const RegistryOptions& options, const Sleeper& sleeper)
      : retries_(options.retries), delay_(options.network.retry_delay), sleeper_(sleeper) {}

  /// Something was achieved, so that later failures count from the beginning.
  void start_anew() { number_ = 0; }
  /// @param status  0: the connection failed.
  /// @throws error, when it will not pass or we have tried enough.
  void wait_after(const base::Error& error, int status, const std::string& retry_after);
  /// The same for a response that is no success.
  void wait_after(const base::Error& error, const HttpResponse& response);

 private:
  unsigned retries_;
  std::optional<std::chrono::milliseconds> delay_;
  const Sleeper& sleeper_;
  unsigned number_ = 0;
};

}  // namespace registry
