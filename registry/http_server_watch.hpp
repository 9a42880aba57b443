#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

namespace registry {

/// Cuts connections that take too long over one request or response. A limit of idleness alone does not do: a client
/// that sends or takes one byte every few seconds is never idle.
class Watch {
 public:
  explicit Watch(std::chrono::seconds request_limit);
  ~Watch();
  Watch(const Watch&) = delete;

  /// The next request must be there in time.
  void expect_request(int socket);
  /// The response must have been taken in time.
  void expect_end(int socket, std::chrono::seconds limit);
  /// Before the socket is closed: its number may be somebody else's then.
  void forget(int socket);

 private:
  using Clock = std::chrono::steady_clock;
  void set(int socket, std::chrono::seconds limit);
  void run();

  std::chrono::seconds request_limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int, Clock::time_point> deadlines_;
  bool is_over_ = false;
  std::thread thread_;
};

}  // namespace registry
