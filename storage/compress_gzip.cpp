#include <vector>
#include <zlib.h>

#include "base/error.hpp"
#include "storage/compress.hpp"

namespace storage {

namespace {

constexpr std::size_t output_bytes = 256 * 1024;
constexpr int gzip_window = MAX_WBITS + 16;  // with zlib's flag for a gzip header
constexpr int memory_level = 8;              // zlib's own

class GzipCompressor final : public Compressor {
 public:
  GzipCompressor(base::Sink& to, int level) : to_(to), buffer_(output_bytes) {
    if (::deflateInit2(&stream_, level, Z_DEFLATED, gzip_window, memory_level, Z_DEFAULT_STRATEGY) != Z_OK)
      throw base::Error(base::ErrorKind::internal, "zlib gave no compressor");
  }
  GzipCompressor(const GzipCompressor&) = delete;
  GzipCompressor& operator=(const GzipCompressor&) = delete;
  ~GzipCompressor() override { ::deflateEnd(&stream_); }

  void write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const std::string_view part = bytes.substr(0, output_bytes);
      // zlib only reads there; its type is from before const.
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
      stream_.avail_in = static_cast<uInt>(part.size());
      while (stream_.avail_in > 0) run(Z_NO_FLUSH);
      bytes.remove_prefix(part.size());
    }
  }
  void finish() override {
    while (run(Z_FINISH) != Z_STREAM_END) continue;
  }

 private:
  int run(int flush) {
    stream_.next_out = buffer_.data();
    stream_.avail_out = static_cast<uInt>(buffer_.size());
    const int result = ::deflate(&stream_, flush);
    if (result == Z_STREAM_ERROR) throw base::Error(base::ErrorKind::internal, "zlib failed to compress");
    const std::size_t made = buffer_.size() - stream_.avail_out;
    if (made > 0) to_.write({reinterpret_cast<const char*>(buffer_.data()), made});
    return result;
  }

  base::Sink& to_;
  std::vector<Bytef> buffer_;
  z_stream stream_{};
};

}  // namespace

std::unique_ptr<Compressor> open_gzip(base::Sink& to, std::optional<unsigned> level) {
  if (level && (*level < 1 || *level > 9))
    throw base::make_error(base::ErrorKind::invalid_argument, "gzip has levels 1 to 9, not ", *level);
  return std::make_unique<GzipCompressor>(to, level ? static_cast<int>(*level) : Z_DEFAULT_COMPRESSION);
}

}  // namespace storage
