#include "storage/unpack_bytes.hpp"

#include <algorithm>
#include <cstring>

#include "base/error.hpp"

namespace storage {

std::string_view LayerBytes::take(std::size_t limit_bytes) {
  if (rest_.empty()) {
    if (holds_buffer_) ring_.release();
    holds_buffer_ = false;
    rest_ = ring_.wait_for_bytes();
    if (rest_.empty()) return {};
    holds_buffer_ = true;
    hash_.update(rest_);
  }
  const std::string_view bytes = rest_.substr(0, limit_bytes);
  rest_.remove_prefix(bytes.size());
  if (copy_ != nullptr) copy_->write(bytes);
  return bytes;
}

bool LayerBytes::read(char* out, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const std::string_view bytes = take(size - done);
    if (bytes.empty() && done == 0) return false;
    if (bytes.empty()) throw base::make_error(base::ErrorKind::corrupt, "the archive ends in the middle of a block");
    std::memcpy(out + done, bytes.data(), bytes.size());
    done += bytes.size();
  }
  return true;
}

base::Digest LayerBytes::finish() {
  while (!take(UnpackRing::buffer_bytes).empty()) {
  }
  return hash_.finish();
}

}  // namespace storage
