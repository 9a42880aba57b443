#include "storage/unpack_inflate.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace storage {
namespace {

/// Hands out the bytes that were looked at first, then the rest.
class PrefixedSource final : public base::Source {
 public:
  PrefixedSource(std::string prefix, base::Source& rest) : prefix_(std::move(prefix)), rest_(rest) {}
  std::size_t read(void* buffer, std::size_t size) override {
    if (done_ == prefix_.size()) return rest_.read(buffer, size);
    const std::size_t count = std::min(size, prefix_.size() - done_);
    std::memcpy(buffer, prefix_.data() + done_, count);
    done_ += count;
    return count;
  }

 private:
  std::string prefix_;
  std::size_t done_ = 0;
  base::Source& rest_;
};

std::string read_first(base::Source& source, std::size_t wanted) {
  std::string first(wanted, '\0');
  std::size_t done = 0;
  while (done < wanted) {
    const std::size_t count = source.read(first.data() + done, wanted - done);
    if (count == 0) break;
    done += count;
  }
  first.resize(done);
  return first;
}

bool is_zstd(std::string_view first) {
  if (first.size() < 4) return false;
  if (first.starts_with("\x28\xb5\x2f\xfd")) return true;
  // Skippable frames start with 0x184D2A50 to 0x184D2A5F, little-endian.
  return (static_cast<unsigned char>(first[0]) & 0xf0U) == 0x50 && first.substr(1, 3) == "\x2a\x4d\x18";
}

constexpr std::size_t magic_end = 262;

bool is_tar(std::string_view first) {
  return first.size() == magic_end && first.ends_with("ustar");
}

}  // namespace

std::unique_ptr<base::Source> open_inflater(base::Source& compressed, oci::LayerCompression declared,
                                            const UnpackLimits& limits) {
  std::string first = read_first(compressed, magic_end);
  const bool gzip = first.starts_with("\x1f\x8b");
  const bool zstd = is_zstd(first);
  if (!gzip && !zstd && declared != oci::LayerCompression::none && !is_tar(first))
    throw base::make_error(base::ErrorKind::corrupt, "the layer is neither gzip nor zstd, unlike its media type says");
  auto whole = std::make_unique<PrefixedSource>(std::move(first), compressed);
  if (gzip) return open_gunzip(std::move(whole));
  if (zstd) return open_unzstd(std::move(whole), limits.max_zstd_window_bytes);
  return whole;
}

}  // namespace storage
