#include "registry/byte_queue.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/error.hpp"
#include "registry/image_writer.hpp"

namespace registry {

namespace {
constexpr std::size_t max_pieces = 8;
/// A fast transfer hands over megabytes at once; of several blobs at a time these would be too many.
constexpr std::size_t max_piece_bytes = 128 * 1024;
constexpr std::size_t drain_bytes = 64 * 1024;
}  // namespace

void ByteQueue::write(std::string_view bytes) {
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), max_piece_bytes))) {
    std::string piece{bytes.substr(0, max_piece_bytes)};
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return left_ || pieces_.size() < max_pieces; });
    if (left_) throw base::Error(base::ErrorKind::interrupted, "nobody wants the rest of the blob");
    pieces_.push_back(std::move(piece));
    changed_.notify_all();
  }
}

void ByteQueue::close(std::exception_ptr failure) {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  failure_ = std::move(failure);
  changed_.notify_all();
}

void ByteQueue::leave() {
  const std::lock_guard lock(mutex_);
  left_ = true;
  changed_.notify_all();
}

std::size_t ByteQueue::read(void* buffer, std::size_t size) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return closed_ || !pieces_.empty(); });
  if (pieces_.empty()) {
    if (failure_) std::rethrow_exception(failure_);
    return 0;
  }
  const std::string& piece = pieces_.front();
  const std::size_t count = std::min(size, piece.size() - taken_bytes_);
  std::memcpy(buffer, piece.data() + taken_bytes_, count);
  taken_bytes_ += count;
  if (taken_bytes_ == piece.size()) {
    pieces_.pop_front();
    taken_bytes_ = 0;
    changed_.notify_all();
  }
  return count;
}

BlobReader::BlobReader(const oci::Descriptor& blob, ImageSource& source)
    : thread_([this, &blob, &source] {
        try {
          VerifyingSink verifying(blob, queue_);
          source.blob(blob, verifying, 0);
          verifying.verify();
          queue_.close();
        } catch (...) {  // carried to the reading thread, which throws it there
          queue_.close(std::current_exception());
        }
      }) {}

BlobReader::~BlobReader() {
  queue_.leave();
  thread_.join();
}

void BlobReader::finish() {
  const auto buffer = std::make_unique<char[]>(drain_bytes);
  while (queue_.read(buffer.get(), drain_bytes) > 0) {
  }
}

}  // namespace registry
