#include <cstdint>
#include <utility>
#include <zlib.h>

#include "base/error.hpp"
#include "storage/unpack_inflate.hpp"

namespace storage {
namespace {

class ZlibGunzip final : public base::Source {
 public:
  explicit ZlibGunzip(std::unique_ptr<base::Source> compressed)
      : compressed_(std::move(compressed)), input_(std::make_unique_for_overwrite<Bytef[]>(inflate_input_bytes)) {
    constexpr int gzip_only = 16;
    if (::inflateInit2(&stream_, MAX_WBITS + gzip_only) != Z_OK)
      throw base::make_error(base::ErrorKind::internal, "zlib does not start");
  }
  ZlibGunzip(const ZlibGunzip&) = delete;
  ZlibGunzip& operator=(const ZlibGunzip&) = delete;
  ~ZlibGunzip() override { ::inflateEnd(&stream_); }

  std::size_t read(void* buffer, std::size_t size) override {
    stream_.next_out = static_cast<Bytef*>(buffer);
    stream_.avail_out = static_cast<uInt>(size);
    while (stream_.avail_out == size) {
      if (stream_.avail_in == 0 && !refill()) return 0;
      if (between_members_) ::inflateReset(&stream_);
      between_members_ = false;
      inflate_some();
    }
    return size - stream_.avail_out;
  }

 private:
  /// False at a clean end.
  bool refill() {
    const std::size_t count = compressed_->read(input_.get(), inflate_input_bytes);
    stream_.next_in = input_.get();
    stream_.avail_in = static_cast<uInt>(count);
    if (count == 0 && !between_members_)
      throw base::make_error(base::ErrorKind::corrupt, "the gzip data ends too early");
    return count > 0;
  }

  void inflate_some() {
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_STREAM_END)
      between_members_ = true;
    else if (result != Z_OK && result != Z_BUF_ERROR)
      throw base::make_error(base::ErrorKind::corrupt, "the gzip data is damaged (",
                             stream_.msg != nullptr ? stream_.msg : "no reason given", ")");
  }

  std::unique_ptr<base::Source> compressed_;
  std::unique_ptr<Bytef[]> input_;
  z_stream stream_{};
  bool between_members_ = false;
};

}  // namespace

std::unique_ptr<base::Source> open_gunzip(std::unique_ptr<base::Source> compressed) {
  return std::make_unique<ZlibGunzip>(std::move(compressed));
}

}  // namespace storage
