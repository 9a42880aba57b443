#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/context.hpp"
#include "engine/remote.hpp"
#include "engine/signing_options.hpp"

// copy: an image from any place to any other. Only in engine-transfer.

namespace engine {

struct CopyOptions {
  std::string source;       ///< A name, or a transport and a place.
  std::string destination;  ///< Likewise; a name is one of a registry.
  bool all = false;         ///< The whole index with all its images.
  std::string platform;     ///< Which image of an index; empty: this machine's.
  bool referrers = false;   ///< Also what refers to the image: signatures, attestations.
  bool dry_run = false;
  std::string format;  ///< "oci", "v2s2"; empty: byte for byte as it is.
  std::size_t jobs = 6;
  RemoteOptions from;
  RemoteOptions to;
  SigningOptions signing;
};

struct CopiedBlob {
  std::string digest;
  std::uint64_t size_bytes = 0;
  bool was_there = false;  ///< At the destination, or taken from another repository of its registry.
};
struct CopiedImage {
  std::string digest;       ///< Of the manifest or index as it is at the destination.
  std::string source;       ///< "docker://quay.io/team/app:1"
  std::string destination;  ///< Likewise.
  std::vector<CopiedBlob> blobs;
  std::size_t manifests = 0;
  std::vector<std::string> referrers;  ///< Digests, and cosign's tags.
};

/// Bytes that have a digest keep it; nothing is unpacked, but where the destination is the store.
CopiedImage copy_image(Engine& engine, const CopyOptions& options);

}  // namespace engine
