#pragma once

#include <memory>
#include <optional>

#include "base/oci/manifest.hpp"
#include "base/stream.hpp"

namespace storage {

/// Compresses what is written to it into another sink.
class Compressor : public base::Sink {
 public:
  /// Writes what is still held back. Nothing may be written afterwards.
  virtual void finish() = 0;
};

/// `to` must outlive it. @param level  1–9 for gzip, 1–22 for zstd; nothing: 6 and 3, which are those formats' own.
/// The result depends on the bytes and the level alone, not on how they were cut or on the machine's processors.
/// @throws Error invalid_argument, for a level that the format does not have, or LayerCompression::none.
std::unique_ptr<Compressor> open_compressor(base::Sink& to, oci::LayerCompression format,
                                            std::optional<unsigned> level);

/// RFC 1952, without a name or time in its header, so that the same bytes always become the same bytes.
std::unique_ptr<Compressor> open_gzip(base::Sink& to, std::optional<unsigned> level);
/// RFC 8878, one frame with a checksum. What is written after finish() becomes a frame of its own.
std::unique_ptr<Compressor> open_zstd(base::Sink& to, std::optional<unsigned> level);

}  // namespace storage
