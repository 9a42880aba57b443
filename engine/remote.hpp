#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/stream.hpp"
#include "engine/context.hpp"

// The verbs that talk to registries without the store. Only in engine-transfer. Results are structs; `cmd` renders
// them.

namespace engine {

/// How to reach a registry.
struct RemoteOptions {
  std::optional<bool> tls_verify;
  std::string auth_file, creds, cert_dir;
  std::optional<unsigned> retries;  ///< Nothing: as the configuration says.
};

// ---- tags ---------------------------------------------------------------------------------------------------------
struct TagsOptions {
  RemoteOptions remote;
  std::string repository;  ///< "alpine", "quay.io/podman/stable"; without tag and digest.
  std::uint64_t limit = 0;
};
struct TagList {
  std::string repository;  ///< In full.
  std::vector<std::string> tags;
};
TagList tags(Engine& engine, const TagsOptions& options);

// ---- digest -------------------------------------------------------------------------------------------------------
struct DigestOptions {
  RemoteOptions remote;
  std::string image;     ///< A name, or any transport.
  std::string platform;  ///< Empty: of what the name means, which may be an index.
  bool referrers = false;
};
struct ReferrerSummary {
  std::string digest, artifact_type, media_type;
  std::uint64_t size_bytes = 0;
  std::vector<std::pair<std::string, std::string>> annotations;
};
struct ImageDigest {
  std::string name;  ///< In full, as far as there is one.
  std::string digest;
  std::string media_type;
  std::uint64_t size_bytes = 0;
  std::vector<ReferrerSummary> referrers;
};
ImageDigest image_digest(Engine& engine, const DigestOptions& options);

// ---- search -------------------------------------------------------------------------------------------------------
struct SearchOptions {
  RemoteOptions remote;
  std::string term;
  std::optional<unsigned> limit;
  std::vector<std::string> filters;
};
struct FoundImage {
  std::string index, name, description;
  std::uint64_t stars = 0;
  bool is_official = false;
  bool is_automated = false;
};
std::vector<FoundImage> search_images(Engine& engine, const SearchOptions& options);

// ---- delete -------------------------------------------------------------------------------------------------------
struct DeleteOptions {
  RemoteOptions remote;
  std::string image;
  bool only_tag = false;  ///< The name goes and the image stays, where the registry can do that.
};
struct DeletedImage {
  std::string name;
  std::string digest;
};
DeletedImage delete_remote(Engine& engine, const DeleteOptions& options);

// ---- blob ---------------------------------------------------------------------------------------------------------
struct BlobOptions {
  RemoteOptions remote;
  std::string image;
  std::string digest;    ///< cat: which one; empty: the digest in `image` does.
  std::string platform;  ///< ls: of which image of an index.
  bool all = false;      ///< ls: of all images of an index.
};
struct BlobSummary {
  std::string kind;  ///< index, manifest, config, layer
  std::string digest, media_type;
  std::uint64_t size_bytes = 0;
  std::string platform;  ///< Of a manifest in an index.
};
std::vector<BlobSummary> list_blobs(Engine& engine, const BlobOptions& options);
/// Writes it as it comes; digest and size are checked at the end. @throws Error corrupt, after wrong bytes were
/// written.
void write_blob(Engine& engine, const BlobOptions& options, base::Sink& to);

}  // namespace engine
