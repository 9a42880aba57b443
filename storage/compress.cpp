#include "storage/compress.hpp"

#include "base/error.hpp"

namespace storage {

std::unique_ptr<Compressor> open_compressor(base::Sink& to, oci::LayerCompression format,
                                            std::optional<unsigned> level) {
  if (format == oci::LayerCompression::gzip) return open_gzip(to, level);
  if (format == oci::LayerCompression::zstd) return open_zstd(to, level);
  throw base::Error(base::ErrorKind::invalid_argument, "layers can be compressed by gzip and zstd");
}

}  // namespace storage
