#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/oci/descriptor.hpp"
#include "base/progress.hpp"
#include "registry/image_destination.hpp"
#include "registry/image_source.hpp"

namespace engine {

/// A manifest with all that hangs below it.
struct ImageTree {
  registry::ManifestBytes root;
  std::vector<registry::ManifestBytes> manifests;  ///< Below an index: what is named before what names it.
  std::vector<oci::Descriptor> blobs;              ///< Each once; largest first.
};

/// Follows an index to all of its manifests. Layers that the registry of their origin alone may give are left out.
/// @throws Error corrupt, when it is nested too deep or holds too much.
ImageTree read_image_tree(registry::ImageSource& source, registry::ManifestBytes root);

/// Of the root, then of all manifests below it.
std::vector<base::Digest> digests_of(const ImageTree& tree);

/// What became of a blob, or would.
struct SentBlob {
  oci::Descriptor blob;
  bool was_there = false;
};

struct SendOptions {
  std::size_t connections = 6;  ///< How many blobs are sent at once.
  bool is_rehearsal = false;    ///< Only asks what is there; the destination is left as it is.
};

/// Writes all of it, blobs first and several at once, and commits. One item of progress a blob.
/// @throws the first Error; the others stop then.
std::vector<SentBlob> send_image(registry::ImageSource& source, registry::ImageDestination& destination,
                                 const ImageTree& tree, base::Progress& progress, const SendOptions& options = {});

}  // namespace engine
