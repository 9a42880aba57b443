#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "storage/store.hpp"

// Artifacts of the store, which are manifests with blobs that are never unpacked: one file per name, artifacts/<encoded
// name>, with "digest name\n". The folder is made when it is first needed. What a name stands for is kept.

namespace storage {

namespace layout {
inline constexpr const char* artifacts_folder = "artifacts";
std::string artifact(std::string_view name);
}  // namespace layout

struct NamedArtifact {
  std::string name;  ///< "quay.io/team/model:1"
  base::Digest manifest;
};

/// Durable when it returns, with everything that was published before.
void set_artifact(const Store& store, const GcHold& hold, const std::string& name, const base::Digest& manifest);
/// Of our own store. @throws Error corrupt.
std::optional<NamedArtifact> find_artifact(const Store& store, const std::string& name);
/// By the file's own name. Nothing when it went away. @throws Error corrupt.
std::optional<NamedArtifact> read_artifact_file(const Store& store, const std::string& file);
/// In alphabetical order; damaged names are left out with a warning.
std::vector<NamedArtifact> list_artifacts(const Store& store);
/// False when there was no such name. What it alone kept goes with the next prune, or by forget_artifact.
bool remove_artifact_name(const Store& store, const std::string& name);
/// As above, and what nothing else needs is moved to the trash.
bool forget_artifact(const Store& store, const GcLock& lock, const NamedArtifact& artifact);

}  // namespace storage
