#include <vector>
#include <zstd.h>

#include "base/error.hpp"
#include "storage/compress.hpp"

namespace storage {

namespace {

constexpr int usual_level = 3;

class ZstdCompressor final : public Compressor {
 public:
  ZstdCompressor(base::Sink& to, int level)
      : to_(to), buffer_(::ZSTD_CStreamOutSize()), context_(::ZSTD_createCCtx(), ::ZSTD_freeCCtx) {
    if (!context_) throw base::Error(base::ErrorKind::internal, "zstd gave no compressor");
    check(::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level));
    check(::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1));
  }

  void write(std::string_view bytes) override {
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    while (input.pos < input.size) run(input, ZSTD_e_continue);
  }
  void finish() override {
    ZSTD_inBuffer nothing{nullptr, 0, 0};
    while (run(nothing, ZSTD_e_end) != 0) continue;
  }

 private:
  /// How much is still held back.
  std::size_t run(ZSTD_inBuffer& input, ZSTD_EndDirective directive) {
    ZSTD_outBuffer output{buffer_.data(), buffer_.size(), 0};
    const std::size_t left = ::ZSTD_compressStream2(context_.get(), &output, &input, directive);
    check(left);
    if (output.pos > 0) to_.write({buffer_.data(), output.pos});
    return left;
  }
  static void check(std::size_t result) {
    if (::ZSTD_isError(result) != 0)
      throw base::make_error(base::ErrorKind::internal, "zstd: ", ::ZSTD_getErrorName(result));
  }

  base::Sink& to_;
  std::vector<char> buffer_;
  std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context_;
};

}  // namespace

std::unique_ptr<Compressor> open_zstd(base::Sink& to, std::optional<unsigned> level) {
  if (level && (*level < 1 || *level > static_cast<unsigned>(::ZSTD_maxCLevel())))
    throw base::make_error(base::ErrorKind::invalid_argument, "zstd has levels 1 to ", ::ZSTD_maxCLevel(), ", not ",
                           *level);
  return std::make_unique<ZstdCompressor>(to, level ? static_cast<int>(*level) : usual_level);
}

}  // namespace storage
