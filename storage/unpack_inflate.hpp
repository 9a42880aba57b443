#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/oci/manifest.hpp"
#include "base/stream.hpp"
#include "storage/unpack_limits.hpp"

namespace storage {

inline constexpr std::size_t inflate_input_bytes = 128 * 1024;

/// Counts what was read from another source.
class CountingSource final : public base::Source {
 public:
  explicit CountingSource(base::Source& source) : source_(source) {}
  std::size_t read(void* buffer, std::size_t size) override {
    const std::size_t count = source_.read(buffer, size);
    count_ += count;
    return count;
  }
  std::uint64_t count() const noexcept { return count_; }

 private:
  base::Source& source_;
  std::uint64_t count_ = 0;
};

/// The inflated bytes of `compressed`, which must outlive the result. What the first bytes say wins over `declared`,
/// because media types in the wild are wrong now and then (podman calls plain tars in dir: folders gzip) and the diff
/// id decides in the end; but bytes declared compressed that are neither that nor a tar are refused. @throws Error
/// corrupt from read(), for damaged or truncated input.
std::unique_ptr<base::Source> open_inflater(base::Source& compressed, oci::LayerCompression declared,
                                            const UnpackLimits& limits);

/// gzip with any number of members, checksums verified (RFC 1952). Two implementations stand behind this: ISA-L where
/// it is installed (2.5 times as fast), else zlib; the build file picks one.
std::unique_ptr<base::Source> open_gunzip(std::unique_ptr<base::Source> compressed);
/// zstd with any number of frames, skippable ones included (RFC 8878). A frame that wants a larger window is refused.
std::unique_ptr<base::Source> open_unzstd(std::unique_ptr<base::Source> compressed, std::uint64_t max_window_bytes);

}  // namespace storage
