#include <algorithm>
#include <bit>
#include <utility>
#include <zstd.h>

#include "base/error.hpp"
#include "storage/unpack_inflate.hpp"

namespace storage {
namespace {

/// The largest power of two within `bytes`, as the exponent that zstd takes.
int window_log(std::uint64_t bytes) {
  return std::clamp(static_cast<int>(std::bit_width(bytes)) - 1, 10, 31);
}

struct FreeContext {
  void operator()(ZSTD_DCtx* context) const noexcept { ::ZSTD_freeDCtx(context); }
};

class Unzstd final : public base::Source {
 public:
  Unzstd(std::unique_ptr<base::Source> compressed, std::uint64_t max_window_bytes)
      : compressed_(std::move(compressed)),
        bytes_(std::make_unique_for_overwrite<char[]>(inflate_input_bytes)),
        context_(::ZSTD_createDCtx()) {
    if (!context_ || ::ZSTD_isError(::ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax,
                                                             window_log(max_window_bytes))) != 0)
      throw base::make_error(base::ErrorKind::internal, "zstd does not start");
  }

  std::size_t read(void* buffer, std::size_t size) override {
    ZSTD_outBuffer output{buffer, size, 0};
    while (output.pos == 0) {
      // Input may all be taken in while output still waits in the context: only ask for more when none came.
      if (input_.pos == input_.size && !flushing_ && !refill()) return 0;
      const std::size_t result = ::ZSTD_decompressStream(context_.get(), &output, &input_);
      if (::ZSTD_isError(result) != 0)
        throw base::make_error(base::ErrorKind::corrupt, "the zstd data is damaged (", ::ZSTD_getErrorName(result),
                               ")");
      inside_frame_ = result != 0;
      flushing_ = inside_frame_ && output.pos == output.size;
    }
    return output.pos;
  }

 private:
  bool refill() {
    const std::size_t count = compressed_->read(bytes_.get(), inflate_input_bytes);
    input_ = {bytes_.get(), count, 0};
    if (count == 0 && inside_frame_) throw base::make_error(base::ErrorKind::corrupt, "the zstd data ends too early");
    return count > 0;
  }

  std::unique_ptr<base::Source> compressed_;
  std::unique_ptr<char[]> bytes_;
  std::unique_ptr<ZSTD_DCtx, FreeContext> context_;
  ZSTD_inBuffer input_{nullptr, 0, 0};
  bool inside_frame_ = true;
  bool flushing_ = false;
};

}  // namespace

std::unique_ptr<base::Source> open_unzstd(std::unique_ptr<base::Source> compressed, std::uint64_t max_window_bytes) {
  return std::make_unique<Unzstd>(std::move(compressed), max_window_bytes);
}

}  // namespace storage
