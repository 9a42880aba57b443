#include <cstdint>
#include <isa-l/igzip_lib.h>
#include <utility>

#include "base/error.hpp"
#include "storage/unpack_inflate.hpp"

namespace storage {
namespace {

class IsalGunzip final : public base::Source {
 public:
  explicit IsalGunzip(std::unique_ptr<base::Source> compressed)
      : compressed_(std::move(compressed)),
        input_(std::make_unique_for_overwrite<std::uint8_t[]>(inflate_input_bytes)),
        state_(std::make_unique<inflate_state>()) {
    ::isal_inflate_init(state_.get());
    state_->crc_flag = ISAL_GZIP;
  }

  std::size_t read(void* buffer, std::size_t size) override {
    state_->next_out = static_cast<std::uint8_t*>(buffer);
    state_->avail_out = static_cast<std::uint32_t>(size);
    while (state_->avail_out == size) {
      const bool has_input = state_->avail_in > 0 || refill();
      if (state_->block_state == ISAL_BLOCK_FINISH) {
        if (!has_input) return 0;
        start_member();
      }
      inflate_some();
      // Without input it may still give what waited inside; when it does not, more input was needed.
      if (!has_input && state_->avail_out == size && state_->block_state != ISAL_BLOCK_FINISH)
        throw base::make_error(base::ErrorKind::corrupt, "the gzip data ends too early");
    }
    return size - state_->avail_out;
  }

 private:
  bool refill() {
    const std::size_t count = compressed_->read(input_.get(), inflate_input_bytes);
    state_->next_in = input_.get();
    state_->avail_in = static_cast<std::uint32_t>(count);
    return count > 0;
  }

  void start_member() {
    ::isal_inflate_reset(state_.get());
    state_->crc_flag = ISAL_GZIP;
  }

  void inflate_some() {
    const int result = ::isal_inflate(state_.get());
    if (result == ISAL_INCORRECT_CHECKSUM)
      throw base::make_error(base::ErrorKind::corrupt, "the gzip data has a wrong checksum");
    if (result < 0) throw base::make_error(base::ErrorKind::corrupt, "the gzip data is damaged (", result, ")");
  }

  std::unique_ptr<base::Source> compressed_;
  std::unique_ptr<std::uint8_t[]> input_;
  std::unique_ptr<inflate_state> state_;
};

}  // namespace

std::unique_ptr<base::Source> open_gunzip(std::unique_ptr<base::Source> compressed) {
  return std::make_unique<IsalGunzip>(std::move(compressed));
}

}  // namespace storage
