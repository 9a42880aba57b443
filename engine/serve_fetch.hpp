#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "base/fd.hpp"
#include "base/stream.hpp"

namespace engine {

/// A blob while it is fetched: one thread writes it, any number read it. The last byte is held back until all of it is
/// known to be what its digest says, so that no reader gets the whole of a wrong blob.
class ServedFetch final : public base::Sink {
 public:
  /// @param file  Empty, open for reading and writing.
  ServedFetch(base::Digest digest, std::uint64_t size_bytes, base::UniqueFd file);

  void write(std::string_view bytes) override;
  /// Checks digest and size. @throws Error corrupt.
  void verify();
  /// Afterwards readers get the end. Call it when the bytes are safe.
  void succeed();
  void fail();

  std::uint64_t size_bytes() const noexcept { return size_bytes_; }
  const base::Digest& digest() const noexcept { return digest_; }
  int fd() const noexcept { return file_.get(); }
  /// Waits for bytes at `position`. Negative: they will not come.
  std::ptrdiff_t read(std::uint64_t position, char* buffer, std::size_t size);

 private:
  enum class State { running, done, failed };

  base::Digest digest_;
  std::uint64_t size_bytes_;
  base::UniqueFd file_;
  base::Sha256 hash_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t written_ = 0;
  State state_ = State::running;
};

}  // namespace engine
