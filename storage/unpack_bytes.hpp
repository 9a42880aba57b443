#pragma once

#include <cstddef>
#include <string_view>

#include "base/digest.hpp"
#include "base/stream.hpp"
#include "storage/unpack_ring.hpp"

namespace storage {

/// The inflated bytes of a layer in order, each hashed into the diff id as it passes.
class LayerBytes {
 public:
  explicit LayerBytes(UnpackRing& ring) : ring_(ring) {}
  /// Up to `limit_bytes` of what comes next, without a copy; valid until the next call. Empty only at the end.
  std::string_view take(std::size_t limit_bytes);
  /// Fills `out` completely; false when there was no byte left. @throws Error corrupt, when the end comes in between.
  bool read(char* out, std::size_t size);
  /// From now on `copy`, which must outlive this, is given every byte as it is taken.
  void copy_to(base::Sink& copy) { copy_ = &copy; }
  /// Passes over what is left and gives the digest of everything. Nothing may be read afterwards.
  base::Digest finish();

 private:
  UnpackRing& ring_;
  base::Sha256 hash_;
  base::Sink* copy_ = nullptr;
  std::string_view rest_;
  bool holds_buffer_ = false;
};

}  // namespace storage
