#include "engine/serve_fetch.hpp"

#include <algorithm>
#include <cerrno>
#include <unistd.h>

#include "base/error.hpp"

namespace engine {

ServedFetch::ServedFetch(base::Digest digest, std::uint64_t size_bytes, base::UniqueFd file)
    : digest_(std::move(digest)), size_bytes_(size_bytes), file_(std::move(file)) {}

void ServedFetch::write(std::string_view bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::running) throw base::Error(base::ErrorKind::interrupted, "nobody waits for it any more");
    if (bytes.size() > size_bytes_ - written_)
      throw base::make_error(base::ErrorKind::corrupt, "blob ", digest_, " is longer than ", size_bytes_, " bytes");
  }
  base::write_all(file_.get(), bytes);
  hash_.update(bytes);
  const std::lock_guard lock(mutex_);
  written_ += bytes.size();
  changed_.notify_all();
}

void ServedFetch::verify() {
  const base::Digest digest = hash_.finish();
  if (written_ != size_bytes_ || digest != digest_)
    throw base::make_error(base::ErrorKind::corrupt, "blob ", digest_, " came with the digest ", digest, " and ",
                           written_, " bytes");
}

void ServedFetch::succeed() {
  const std::lock_guard lock(mutex_);
  if (state_ == State::running) state_ = State::done;
  changed_.notify_all();
}

void ServedFetch::fail() {
  const std::lock_guard lock(mutex_);
  if (state_ == State::running) state_ = State::failed;
  changed_.notify_all();
}

std::ptrdiff_t ServedFetch::read(std::uint64_t position, char* buffer, std::size_t size) {
  std::uint64_t available = 0;
  {
    std::unique_lock lock(mutex_);
    const auto readable = [&] {
      if (state_ == State::done) return size_bytes_;
      return written_ == size_bytes_ && written_ > 0 ? written_ - 1 : written_;
    };
    changed_.wait(lock, [&] { return state_ == State::failed || state_ == State::done || readable() > position; });
    if (state_ == State::failed || readable() <= position) return -1;
    available = readable() - position;
  }
  const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, available));
  const ssize_t got = ::pread(file_.get(), buffer, wanted, static_cast<off_t>(position));
  return got > 0 ? got : -1;
}

}  // namespace engine
