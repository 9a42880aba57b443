#pragma once

#include <map>
#include <optional>
#include <string_view>

#include "base/fd.hpp"
#include "base/oci/manifest.hpp"
#include "base/progress.hpp"
#include "registry/image_source.hpp"
#include "storage/staging.hpp"
#include "storage/unpack_limits.hpp"

namespace engine {

/// How the layers of an image are to be compressed.
struct Recompression {
  oci::LayerCompression format = oci::LayerCompression::gzip;
  std::optional<unsigned> level;  ///< Of the format; nothing: its own.
  bool chunked = false;           ///< zstd:chunked: with a table of the layer's files.
  bool also_if_the_same = false;  ///< Layers of that format are made anew as well.
};

/// "gzip", "zstd", "zstd:chunked". @throws Error invalid_argument.
Recompression parse_compression(std::string_view text);

/// An image of the store whose layers are compressed another way, so that its manifest is another one. The layers are
/// made when it is, several at once, and lie in a staging folder as long as it lives.
class RecompressedSource final : public registry::ImageSource {
 public:
  /// All must outlive it. @param root  The manifest to begin with.
  /// @throws Error unsupported, for an index, or zstd in Docker's format; not_found; corrupt, for damaged layers.
  RecompressedSource(const storage::Store& store, registry::ImageSource& original, const registry::ManifestBytes& root,
                     const Recompression& how, const storage::UnpackLimits& limits, base::Progress& progress);

  registry::ManifestBytes root_manifest() override { return root_; }
  registry::ManifestBytes manifest(const oci::Descriptor& descriptor) override;
  void blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) override;
  std::string suggested_name() const override { return original_.suggested_name(); }

 private:
  registry::ImageSource& original_;
  storage::Staging staging_;
  std::map<base::Digest, base::UniqueFd> made_;
  registry::ManifestBytes root_;
};

}  // namespace engine
