#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "engine/context.hpp"
#include "engine/push.hpp"
#include "engine/remote.hpp"
#include "storage/artifact_names.hpp"

// The verbs of `engine artifact`. Artifacts are manifests of OCI 1.1 with an artifactType, an empty config, and files
// as layers, whose names are in annotations, as oras and podman make them.

namespace engine {

/// A file of an artifact. Source: OCI image-spec manifest.md "Guidelines for Artifact Usage".
struct ArtifactFile {
  std::string media_type;
  base::Digest digest;
  std::uint64_t size_bytes = 0;
  std::vector<std::pair<std::string, std::string>> annotations{};
  std::string title() const;  ///< Its name; empty: it has none.
};

struct Artifact {
  std::string name;
  base::Digest digest;
  std::string manifest;  ///< JSON, byte for byte.
  std::vector<ArtifactFile> files;
  std::uint64_t size_bytes = 0;  ///< Of all files.
};

/// By its name, with or without tag and registry, or by its digest or the beginning of that. @throws Error not_found.
Artifact require_artifact(Engine& engine, const std::string& typed);
/// Reads manifest and files from it. @throws Error unsupported, when it is a container image or an index.
Artifact read_artifact(const storage::Store& store, const storage::NamedArtifact& named);
std::vector<Artifact> list_artifacts(Engine& engine);

struct AddArtifactOptions {
  std::string name;
  std::vector<std::string> paths;
  std::string type;                      ///< artifactType; empty: application/vnd.unknown.artifact.v1
  std::string file_type;                 ///< Empty: found out from the first bytes.
  std::vector<std::string> annotations;  ///< "KEY=VALUE", of the files that are added.
  bool append = false;
  bool replace = false;
};
/// @throws Error in_use, when the name is taken. Returns the digest.
base::Digest add_artifact(Engine& engine, const AddArtifactOptions& options);

/// Returns the digest of what the name stood for.
base::Digest remove_artifact(Engine& engine, const std::string& typed);

struct ExtractOptions {
  std::string artifact;
  std::string target;         ///< A folder, or the file to be written when one is chosen or there is only one.
  std::string title, digest;  ///< Which file; at most one of them.
  bool force = false;         ///< Other files of the folder that have the artifact's names are replaced.
  mode_t file_mode = 0644;
};
/// Files appear whole or not at all, digests checked. A name that would lead out of the folder is refused, and no link
/// is followed at the end of it. Returns the names that were written. @throws Error already_exists, without `force`.
std::vector<std::string> extract_artifact(Engine& engine, const ExtractOptions& options);

/// Whether a title can be the name of a file in a folder, and of nothing else. Pure.
bool is_plain_file_name(std::string_view title);

struct PullArtifactOptions {
  std::string name;
  RemoteOptions remote;
};
/// Only in engine-transfer.
base::Digest pull_artifact(Engine& engine, const PullArtifactOptions& options);

struct PushArtifactOptions {
  std::string name;
  std::string destination;  ///< Empty: its own name.
  RemoteOptions remote;
};
/// Only in engine-transfer.
PushedImage push_artifact(Engine& engine, const PushArtifactOptions& options);

}  // namespace engine
