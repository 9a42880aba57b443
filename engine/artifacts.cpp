#include "engine/artifacts.hpp"

#include <variant>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/oci/manifest.hpp"
#include "base/oci/reference.hpp"
#include "engine/images.hpp"
#include "engine/trash.hpp"
#include "storage/blobs.hpp"

// Artifacts as the store has them: found, listed, removed.

namespace engine {
namespace {

constexpr std::string_view title_annotation = "org.opencontainers.image.title";
constexpr std::size_t min_digest_digits = 3;

bool is_image_config(std::string_view media_type) {
  return media_type == "application/vnd.oci.image.config.v1+json" ||
         media_type == "application/vnd.docker.container.image.v1+json";
}

std::optional<storage::NamedArtifact> find_by_name(const storage::Store& store, const std::string& typed) {
  try {
    for (const std::string& name : {name_for_tagging(typed), oci::Reference::parse(typed).name_and_tag()})
      if (auto artifact = storage::find_artifact(store, name)) return artifact;
  } catch (const base::Error& error) {  // a digest, say, is no name
    if (error.kind() != base::ErrorKind::invalid_argument) throw;
  }
  return std::nullopt;
}

std::optional<storage::NamedArtifact> find_by_digest(const storage::Store& store, std::string_view typed) {
  if (typed.starts_with("sha256:")) typed.remove_prefix(7);
  if (typed.size() < min_digest_digits) return std::nullopt;
  std::optional<storage::NamedArtifact> found;
  for (storage::NamedArtifact& artifact : storage::list_artifacts(store)) {
    if (!artifact.manifest.hex().starts_with(typed)) continue;
    if (found && found->manifest != artifact.manifest)
      throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(typed), " means several artifacts");
    found = std::move(artifact);
  }
  return found;
}

storage::NamedArtifact require_named(const storage::Store& store, const std::string& typed) {
  if (auto found = find_by_name(store, typed)) return std::move(*found);
  if (auto found = find_by_digest(store, typed)) return std::move(*found);
  throw base::make_error(base::ErrorKind::not_found, typed, ": artifact does not exist")
      .with_hint("engine artifact ls lists what is there");
}

}  // namespace

std::string ArtifactFile::title() const {
  for (const auto& [key, value] : annotations)
    if (key == title_annotation) return value;
  return {};
}

Artifact read_artifact(const storage::Store& store, const storage::NamedArtifact& named) {
  Artifact artifact{.name = named.name,
                    .digest = named.manifest,
                    .manifest = storage::read_blob(store, named.manifest, oci::max_manifest_bytes),
                    .files = {}};
  const auto parsed = oci::parse_manifest(artifact.manifest, "", base::concat("manifest ", named.manifest));
  const auto* manifest = std::get_if<oci::Manifest>(&parsed);
  if (manifest == nullptr)
    throw base::make_error(base::ErrorKind::unsupported, base::quoted(named.name), " is an index, not an artifact");
  if (is_image_config(manifest->config.media_type))
    throw base::make_error(base::ErrorKind::unsupported, base::quoted(named.name),
                           " is a container image, not an artifact")
        .with_hint(base::concat("engine pull ", named.name));
  for (const oci::Descriptor& layer : manifest->layers) {
    artifact.files.push_back({layer.media_type, layer.digest, layer.size_bytes, layer.annotations});
    artifact.size_bytes += layer.size_bytes;
  }
  return artifact;
}

Artifact require_artifact(Engine& engine, const std::string& typed) {
  return read_artifact(engine.store(), require_named(engine.store(), typed));
}

std::vector<Artifact> list_artifacts(Engine& engine) {
  std::vector<Artifact> artifacts;
  for (const storage::NamedArtifact& named : storage::list_artifacts(engine.store()))
    artifacts.push_back(read_artifact(engine.store(), named));
  return artifacts;
}

base::Digest remove_artifact(Engine& engine, const std::string& typed) {
  const storage::Store& store = engine.store();
  const storage::NamedArtifact named = require_named(store, typed);
  {
    const storage::GcLock lock = store.lock_garbage();
    if (!storage::forget_artifact(store, lock, named))
      throw base::make_error(base::ErrorKind::not_found, typed, ": artifact does not exist");
  }
  empty_trash(engine);
  return named.manifest;
}

}  // namespace engine
