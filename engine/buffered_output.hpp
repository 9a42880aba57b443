#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/stream.hpp"

namespace engine {

/// Few large writes to a descriptor that it does not own: most of what an archive consists of is small.
class BufferedOutput final : public base::Sink {
 public:
  explicit BufferedOutput(int fd) : fd_(fd) { buffer_.reserve(buffer_bytes); }

  void write(std::string_view bytes) override {
    if (buffer_.size() + bytes.size() > buffer_bytes) flush();
    if (bytes.size() >= buffer_bytes) return write_out(bytes);
    buffer_.append(bytes);
  }

  /// To be called at the end.
  void flush() {
    write_out(buffer_);
    buffer_.clear();
  }

 private:
  static constexpr std::size_t buffer_bytes = 128 * 1024;

  void write_out(std::string_view bytes) const {
    base::with_context([&] { base::write_all(fd_, bytes); }, "writing the archive");
  }

  int fd_;
  std::string buffer_;
};

}  // namespace engine
