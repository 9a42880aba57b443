#pragma once

#include "base/oci/descriptor.hpp"
#include "registry/image_source.hpp"

namespace registry {

/// What `push`, `save` and `copy` write an image to. Order of calls: every blob of a manifest, then that manifest, then
/// an index over it; the root last. What is there is not written again. Nothing is visible under the image's name
/// before `commit`. Blobs may be put from several threads at once.
class ImageDestination {
 public:
  virtual ~ImageDestination() = default;
  /// True when the blob is there, or could be made to be there without its bytes: mounted from another repository.
  virtual bool has_blob(const oci::Descriptor& blob) = 0;
  /// Takes the bytes of one blob from `source`, which may be asked again after a failure, from where it broke off.
  /// Digest and size are verified on the way. @throws Error corrupt, network, permission, no_space …
  virtual void put_blob(const oci::Descriptor& blob, ImageSource& source) = 0;
  /// A manifest or index that another one names.
  virtual void put_manifest(const ManifestBytes& manifest) = 0;
  /// The manifest or index that the image's name shall mean from now on, byte for byte.
  virtual void put_root(const ManifestBytes& manifest) = 0;
  /// Makes all of it visible and durable. Without it, nothing stays behind that counts.
  virtual void commit() = 0;
};

}  // namespace registry
