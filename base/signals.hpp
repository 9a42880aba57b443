#pragma once

#include <csignal>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace base {

/// Blocks these signals for the life of the object and makes them readable from fd(); restores the mask afterwards.
class SignalFd {
 public:
  explicit SignalFd(std::initializer_list<int> signals);
  explicit SignalFd(const sigset_t& set);
  SignalFd(const SignalFd&) = delete;
  SignalFd& operator=(const SignalFd&) = delete;
  ~SignalFd();
  int fd() const noexcept { return fd_.get(); }
  /// Next pending signal number, or nothing.
  std::optional<int> next();
  /// Forgets what is pending, such as the SIGPIPE of a write that said EPIPE already; else it would end the process as
  /// soon as the mask is restored.
  void discard_pending() {
    while (next()) {
    }
  }
  /// Ends this process by a signal that was read, as if it had never been blocked.
  [[noreturn]] void end_process(int signal);

 private:
  void open(const sigset_t& set);
  sigset_t previous_{};
  UniqueFd fd_;
};

/// "TERM", "SIGTERM", "15", "RTMIN+3" (any case) to the number; nothing when unknown.
std::optional<int> parse_signal(std::string_view text);
/// "SIGTERM"; "SIGRTMIN+3".
std::string signal_name(int signal);

}  // namespace base
