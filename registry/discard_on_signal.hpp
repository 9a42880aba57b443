#pragma once

#include <functional>
#include <optional>
#include <thread>

#include "base/fd.hpp"
#include "base/signals.hpp"

namespace registry {

/// Runs `discard` when SIGINT, SIGTERM or SIGHUP come, and lets them then do what they always do: end the process. So
/// nothing that has a name is left of work that was stopped in the middle, whatever its threads wait for. Make it
/// before they are started. Does nothing where the caller has taken these signals for itself.
class DiscardOnSignal {
 public:
  explicit DiscardOnSignal(std::function<void()> discard);
  DiscardOnSignal(const DiscardOnSignal&) = delete;
  DiscardOnSignal& operator=(const DiscardOnSignal&) = delete;
  ~DiscardOnSignal();

 private:
  void wait() noexcept;

  std::function<void()> discard_;
  std::optional<base::SignalFd> signals_;
  base::UniqueFd end_;  ///< An eventfd.
  std::thread thread_;
};

}  // namespace registry
