#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/digest.hpp"
#include "base/oci/descriptor.hpp"
#include "base/stream.hpp"

namespace registry {

struct ManifestBytes {
  std::string bytes;
  std::string media_type;  ///< Content-Type, or the media type of the descriptor that led here; may be empty.
  base::Digest digest;     ///< Computed over `bytes`.
};

/// What `pull` and `run` read an image from. Implementations may be used from several threads.
class ImageSource {
 public:
  virtual ~ImageSource() = default;
  /// The manifest or index that the name means. @throws Error not_found, network, permission …
  virtual ManifestBytes root_manifest() = 0;
  /// A manifest that an index names; bytes are checked against digest and size.
  virtual ManifestBytes manifest(const oci::Descriptor& descriptor) = 0;
  /// Streams a blob into `sink`; digest and size are the sink's to check. `offset` > 0 resumes there.
  virtual void blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) = 0;
  /// The name to store the image under when the user gave none ("docker.io/library/busybox:latest"); may be empty.
  virtual std::string suggested_name() const = 0;
  /// Whether blobs come over a network, so that what was fetched of one is worth keeping when it breaks off.
  virtual bool is_remote() const { return false; }
};

}  // namespace registry
