#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace base {

/// Bytes that come from somewhere: a registry, an archive, a pipe.
class Source {
 public:
  virtual ~Source() = default;
  /// Up to `size` bytes; 0 at the end. Blocks.
  virtual std::size_t read(void* buffer, std::size_t size) = 0;
};

/// Bytes that go somewhere.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void write(std::string_view bytes) = 0;
};

/// Reads from a descriptor it does not own.
class FdSource final : public Source {
 public:
  explicit FdSource(int fd) : fd_(fd) {}
  std::size_t read(void* buffer, std::size_t size) override;

 private:
  int fd_;
};

/// Keeps what is written. @throws Error corrupt, past `limit_bytes`.
class StringSink final : public Sink {
 public:
  explicit StringSink(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}
  void write(std::string_view bytes) override;
  std::string take() { return std::move(text_); }

 private:
  std::size_t limit_bytes_;
  std::string text_;
};

}  // namespace base
