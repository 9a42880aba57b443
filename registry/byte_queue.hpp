#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/oci/descriptor.hpp"
#include "base/stream.hpp"
#include "registry/image_source.hpp"

namespace registry {

/// A few pieces between a thread that writes and one that reads. A reader that leaves stops the writer, and what the
/// writer throws comes out of read().
class ByteQueue final : public base::Source, public base::Sink {
 public:
  /// Blocks while it is full. @throws Error interrupted, when nobody reads any more.
  void write(std::string_view bytes) override;
  /// Nothing more comes; `failure` is thrown at the reader after what is there.
  void close(std::exception_ptr failure = nullptr);

  std::size_t read(void* buffer, std::size_t size) override;
  /// Whatever is still written is thrown away with an Error.
  void leave();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> pieces_;
  std::size_t taken_bytes_ = 0;  ///< Of the first piece.
  bool closed_ = false;
  bool left_ = false;
  std::exception_ptr failure_;
};

/// A blob of an image source to be read instead of written: a thread of its own asks for it. Digest and size are
/// verified; the end of the bytes is only given out when they hold.
class BlobReader {
 public:
  /// Both must outlive it.
  BlobReader(const oci::Descriptor& blob, ImageSource& source);
  BlobReader(const BlobReader&) = delete;
  BlobReader& operator=(const BlobReader&) = delete;
  ~BlobReader();
  base::Source& bytes() noexcept { return queue_; }
  /// Reads what is left, so that the whole blob was verified. @throws Error corrupt …
  void finish();

 private:
  ByteQueue queue_;
  std::thread thread_;
};

}  // namespace registry
