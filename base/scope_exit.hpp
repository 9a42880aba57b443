#pragma once

#include <utility>

namespace base {

/// Runs `work` when the scope ends, unless cancel() was called. `work` must not throw.
template <class Work>
class [[nodiscard]] ScopeExit {
 public:
  explicit ScopeExit(Work work) : work_(std::move(work)) {}
  ScopeExit(const ScopeExit&) = delete;
  ScopeExit& operator=(const ScopeExit&) = delete;
  ~ScopeExit() {
    if (armed_) work_();
  }
  void cancel() noexcept { armed_ = false; }

 private:
  Work work_;
  bool armed_ = true;
};

template <class Work>
ScopeExit<Work> on_scope_exit(Work work) {
  return ScopeExit<Work>{std::move(work)};
}

}  // namespace base
