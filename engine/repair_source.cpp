#include "engine/repair_source.hpp"

#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/oci/image_config.hpp"
#include "base/oci/manifest.hpp"
#include "base/oci/reference.hpp"
#include "storage/blobs.hpp"
#include "storage/refs.hpp"

namespace engine {
namespace {

std::optional<std::string> sound_blob(const storage::Store& store, const base::Digest& digest, std::size_t limit) {
  try {
    return storage::read_blob(store, digest, limit);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::not_found && error.kind() != base::ErrorKind::corrupt) throw;
    return std::nullopt;
  }
}

}  // namespace

RepairSource::RepairSource(const storage::Store& store, base::Digest manifest, std::vector<std::string> repositories,
                           registry::RegistryOptions options)
    : store_(store),
      manifest_(std::move(manifest)),
      repositories_(std::move(repositories)),
      options_(std::move(options)) {}

registry::ManifestBytes RepairSource::root_manifest() {
  if (auto bytes = sound_blob(store_, manifest_, oci::max_manifest_bytes))
    return {.bytes = std::move(*bytes), .media_type = {}, .digest = manifest_};
  registry::ManifestBytes fetched = remote().root_manifest();
  if (fetched.digest != manifest_)
    throw base::make_error(base::ErrorKind::corrupt, "the registry has another manifest than ", manifest_);
  return fetched;
}

registry::ManifestBytes RepairSource::manifest(const oci::Descriptor& descriptor) {
  return remote().manifest(descriptor);
}

void RepairSource::blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) {
  // The config; a kept layer that is sound was unpacked from its file, and is not asked for here.
  if (offset == 0 && descriptor.size_bytes <= oci::max_config_bytes) {
    if (const auto bytes = sound_blob(store_, descriptor.digest, oci::max_config_bytes)) return sink.write(*bytes);
  }
  remote().blob(descriptor, sink, offset);
}

registry::ImageSource& RepairSource::remote() {
  const std::lock_guard lock(mutex_);
  if (remote_) return *remote_;
  std::optional<base::Error> failure;
  for (const std::string& repository : repositories_) {
    try {
      auto source = registry::open_source({"docker", base::concat(repository, "@", manifest_)}, options_);
      source->root_manifest();  // whether it is there at all
      remote_ = std::move(source);
      return *remote_;
    } catch (const base::Error& error) {
      failure = error;
    }
  }
  if (failure) throw std::move(*failure);
  throw base::make_error(base::ErrorKind::not_found, "it came from no registry, so it cannot be fetched again");
}

std::unique_ptr<registry::ImageSource> open_origin(const storage::Store& store, const base::Digest& manifest,
                                                   registry::RegistryOptions options) {
  std::vector<std::string> repositories;
  const auto names = storage::refs_by_manifest(store);
  const auto own = names.find(manifest.hex());
  if (own == names.end()) return nullptr;
  for (const std::string& name : own->second) {
    const oci::Reference reference = oci::Reference::parse(name);
    if (reference.domain() != "localhost") repositories.push_back(reference.repository());  // else made here
  }
  if (repositories.empty()) return nullptr;
  return std::make_unique<RepairSource>(store, manifest, std::move(repositories), std::move(options));
}

}  // namespace engine
