#include "registry/http_server_watch.hpp"

#include <sys/socket.h>

namespace registry {

Watch::Watch(std::chrono::seconds request_limit) : request_limit_(request_limit), thread_([this] { run(); }) {}

Watch::~Watch() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Watch::set(int socket, std::chrono::seconds limit) {
  const std::lock_guard lock(mutex_);
  deadlines_[socket] = Clock::now() + limit;
}

void Watch::expect_request(int socket) {
  set(socket, request_limit_);
}

void Watch::expect_end(int socket, std::chrono::seconds limit) {
  set(socket, limit);
}

void Watch::forget(int socket) {
  const std::lock_guard lock(mutex_);
  deadlines_.erase(socket);
}

void Watch::run() {
  std::unique_lock lock(mutex_);
  while (!is_over_) {
    changed_.wait_for(lock, std::chrono::seconds{1});
    const Clock::time_point now = Clock::now();
    // Only shut down: its owner closes it, and forgets it first.
    for (auto& [socket, deadline] : deadlines_)
      if (deadline < now) ::shutdown(socket, SHUT_RDWR);
  }
}

}  // namespace registry
