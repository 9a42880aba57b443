#include "storage/unpack_ring.hpp"

#include <utility>

namespace storage {

UnpackRing::UnpackRing() {
  for (Slot& slot : slots_) slot.bytes = std::make_unique_for_overwrite<char[]>(buffer_bytes);
}

char* UnpackRing::wait_for_space() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return cancelled_ || filled_ - released_ < buffer_count; });
  return cancelled_ ? nullptr : slots_[filled_ % buffer_count].bytes.get();
}

void UnpackRing::commit(std::size_t size) {
  const std::lock_guard lock(mutex_);
  slots_[filled_ % buffer_count].size = size;
  ++filled_;
  changed_.notify_all();
}

void UnpackRing::finish(std::exception_ptr failure) noexcept {
  const std::lock_guard lock(mutex_);
  failure_ = std::move(failure);
  finished_ = true;
  changed_.notify_all();
}

std::string_view UnpackRing::wait_for_bytes() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return finished_ || filled_ > released_; });
  if (filled_ > released_) {
    const Slot& slot = slots_[released_ % buffer_count];
    return {slot.bytes.get(), slot.size};
  }
  if (failure_) std::rethrow_exception(failure_);
  return {};
}

void UnpackRing::release() {
  const std::lock_guard lock(mutex_);
  ++released_;
  changed_.notify_all();
}

void UnpackRing::cancel() noexcept {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  changed_.notify_all();
}

}  // namespace storage
