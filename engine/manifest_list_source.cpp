#include "engine/manifest_list_source.hpp"

#include <utility>
#include <variant>

#include "base/error.hpp"
#include "base/oci/manifest.hpp"
#include "base/oci/reference.hpp"
#include "engine/image_policy.hpp"
#include "storage/blobs.hpp"

namespace engine {
namespace {

std::map<base::Digest, std::string> find_origins(const storage::Store& store, const ManifestList& list) {
  std::map<base::Digest, std::string> origins;
  for (const ListInstance& instance : list.instances) {
    if (instance.source.empty()) continue;
    const auto parsed = oci::parse_manifest(storage::read_blob(store, instance.digest, oci::max_manifest_bytes), "",
                                            base::concat("manifest ", instance.digest));
    const auto* manifest = std::get_if<oci::Manifest>(&parsed);
    if (manifest == nullptr) continue;
    origins.emplace(manifest->config.digest, instance.source);
    for (const oci::Descriptor& layer : manifest->layers) origins.emplace(layer.digest, instance.source);
  }
  return origins;
}

}  // namespace

ListSource::ListSource(Engine& engine, StoredList list, registry::RegistryOptions options)
    : engine_(engine),
      store_(engine.store()),
      options_(std::move(options)),
      stored_(store_, list.record, list.name),
      instances_(list.list.instances),
      origins_(find_origins(store_, list.list)) {}

registry::ImageSource& ListSource::opened(const std::string& origin) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<registry::ImageSource>& source = opened_[origin];
  if (!source) {
    auto fresh = registry::open_source(registry::parse_source_name(origin), options_);
    check_instances(*fresh, origin);
    source = std::move(fresh);
  }
  return *source;
}

/// What came into the list was only manifests: their images are checked before anything else of them is taken.
void ListSource::check_instances(registry::ImageSource& source, const std::string& origin) const {
  for (const ListInstance& instance : instances_) {
    if (instance.source != origin) continue;
    registry::SourceName name = registry::parse_source_name(origin);
    if (name.transport == "docker")
      name.rest = base::concat(oci::Reference::parse(name.rest).repository(), "@", instance.digest);
    const registry::ManifestBytes manifest{storage::read_blob(store_, instance.digest, oci::max_manifest_bytes),
                                           instance.media_type, instance.digest};
    check_policy(engine_, name, options_, source, manifest, {.whole_index = true});
  }
}

void ListSource::blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) {
  const auto origin = origins_.find(descriptor.digest);
  if (origin == origins_.end() || storage::has_blob(store_, descriptor.digest))
    return stored_.blob(descriptor, sink, offset);
  base::with_context([&] { opened(origin->second).blob(descriptor, sink, offset); }, "reading from ",
                     base::quoted(origin->second));
}

}  // namespace engine
