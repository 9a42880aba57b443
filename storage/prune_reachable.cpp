#include "storage/prune_reachable.hpp"

#include <algorithm>
#include <variant>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/oci/manifest.hpp"
#include "storage/artifact_names.hpp"
#include "storage/blobs.hpp"
#include "storage/containers.hpp"
#include "storage/damage.hpp"
#include "storage/id_variants.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"
#include "storage/staging.hpp"

namespace storage {

namespace {

void add_layer(const Store& store, const base::Digest& chain, Objects& objects) {
  if (!objects.layers.insert(chain).second) return;
  try {
    if (const auto meta = read_layer_meta(store, chain)) objects.blobs.insert(meta->blob);
  } catch (const base::Error& error) {
    if (!is_damage(error)) throw;
    // At worst its compressed bytes go; damage must not keep anything from being removed.
    base::log(base::LogLevel::warn, error.message());
  }
}

void add_manifest(const Store& store, const base::Digest& digest, Objects& objects);

/// Of a manifest list, what is here of its images: enough to push it.
void add_instances(const Store& store, const oci::Index& list, Objects& objects) {
  for (const oci::Descriptor& instance : list.manifests) {
    const bool is_new = objects.blobs.count(instance.digest) == 0;
    if (is_new && has_blob(store, instance.digest)) add_manifest(store, instance.digest, objects);
  }
}

/// The manifest names the image's own compressed layers, which another image may hold compressed in another way.
void add_manifest(const Store& store, const base::Digest& digest, Objects& objects) {
  objects.blobs.insert(digest);
  try {
    const auto parsed =
        oci::parse_manifest(read_blob(store, digest, oci::max_manifest_bytes), "", base::concat("manifest ", digest));
    const auto* manifest = std::get_if<oci::Manifest>(&parsed);
    if (manifest == nullptr) return add_instances(store, std::get<oci::Index>(parsed), objects);
    objects.blobs.insert(manifest->config.digest);
    for (const oci::Descriptor& layer : manifest->layers) objects.blobs.insert(layer.digest);
  } catch (const base::Error& error) {
    if (error.kind() == base::ErrorKind::not_found) return;
    if (!is_damage(error)) throw;  // not being able to read is no reason to let its layers go
    // A damaged image must be pulled again in any case; removing has to work.
    base::log(base::LogLevel::warn, error.message());
  }
}

void add_container(const Store& store, const ContainerRecord& record, Objects& objects) {
  for (const auto* chains : {&record.chain_ids, &record.mounted_chain_ids})
    for (const std::string& chain : *chains) add_layer(store, base::Digest::parse(chain), objects);
  if (!record.manifest.empty()) add_manifest(store, base::Digest::parse(record.manifest), objects);
  if (!record.image_id.empty()) objects.blobs.insert(base::Digest::from_hex(record.image_id));
}

/// Manifests and configs of a list's images; none, when it is an image itself or cannot be read.
void add_small_blobs_of_list(const Store& store, const base::Digest& digest, std::set<base::Digest>& blobs) {
  try {
    const auto parsed =
        oci::parse_manifest(read_blob(store, digest, oci::max_manifest_bytes), "", base::concat("manifest ", digest));
    const auto* list = std::get_if<oci::Index>(&parsed);
    if (list == nullptr) return;
    for (const oci::Descriptor& instance : list->manifests) {
      if (!has_blob(store, instance.digest)) continue;
      blobs.insert(instance.digest);
      const auto below = oci::parse_manifest(read_blob(store, instance.digest, oci::max_manifest_bytes), "",
                                             base::concat("manifest ", instance.digest));
      if (const auto* manifest = std::get_if<oci::Manifest>(&below)) blobs.insert(manifest->config.digest);
    }
  } catch (const base::Error& error) {  // as in add_manifest
    if (error.kind() != base::ErrorKind::not_found && error.kind() != base::ErrorKind::corrupt) throw;
    base::log(base::LogLevel::warn, error.message());
  }
}

template <class Visit>
void for_each_image(const Store& store, const Visit& visit) {
  for (const std::string& file : base::list_directory(store.root(), "images")) {
    if (!layout::is_hex_digest(file)) continue;
    if (const auto image = read_image(store, base::Digest::from_hex(file))) visit(*image);
  }
}

/// Those of the store whose containers use our images, too.
template <class Visit>
void for_each_container(const Store& store, const Visit& visit) {
  if (store.container_store() != nullptr) for_each_container(*store.container_store(), visit);
  for (const std::string& id : peek_container_ids(store)) {
    const auto container = open_container(store, id);
    if (!container) continue;
    std::optional<ContainerRecord> record;
    try {
      record = read_record(*container);
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::not_found) throw;  // not_found: removed at this moment
    }
    if (record) visit(*record);
  }
}

}  // namespace

void add_manifest_objects(const Store& store, const base::Digest& manifest, Objects& objects) {
  add_manifest(store, manifest, objects);
}

void add_image_objects(const Store& store, const ImageRecord& record, Objects& objects) {
  objects.blobs.insert(record.config);
  if (record.index) objects.blobs.insert(*record.index);
  for (const base::Digest& chain : record.chain_ids) add_layer(store, chain, objects);
  add_manifest(store, record.manifest, objects);
}

std::vector<std::string> unused_variants(const Store& store, const Forgotten& forgotten) {
  std::set<std::string> used;  // paths
  for_each_container(store, [&](const ContainerRecord& container) {
    if (container.variant.empty() || forgotten.containers.count(container.id) != 0) return;
    for (const std::string& chain : container.chain_ids)
      used.insert(layout::layer_variant(base::Digest::parse(chain), container.variant));
  });
  std::set<base::Digest> kept;
  for (const base::Digest& digest : kept_by_staging(store)) kept.insert(digest);
  std::vector<std::string> unused;
  for (const std::string& name : base::list_directory(store.root(), "layers")) {
    if (!layout::is_hex_digest(name) || kept.count(base::Digest::from_hex(name)) != 0) continue;
    const base::Digest chain = base::Digest::from_hex(name);
    for (const std::string& variant : list_variants(store, chain)) {
      const std::string path = layout::layer_variant(chain, variant);
      if (used.count(path) != 0 || !variant_map_text(store, chain, variant)) continue;
      unused.push_back(path);
      const std::string merged = layout::merged(chain, variant);
      if (base::exists(store.root(), merged)) unused.push_back(merged);
    }
  }
  return unused;
}

Objects find_reachable(const Store& store, const Forgotten& forgotten) {
  Objects objects;
  for_each_image(store, [&](const ImageRecord& image) {
    if (forgotten.images.count(image.manifest) == 0) add_image_objects(store, image, objects);
  });
  for_each_container(store, [&](const ContainerRecord& container) {
    if (forgotten.containers.count(container.id) == 0) add_container(store, container, objects);
  });
  for (const NamedArtifact& artifact : list_artifacts(store)) add_manifest(store, artifact.manifest, objects);
  for (const base::Digest& kept : kept_by_staging(store)) {
    objects.blobs.insert(kept);
    add_layer(store, kept, objects);
  }
  return objects;
}

std::set<base::Digest> find_small_blobs(const Store& store) {
  std::set<base::Digest> blobs;
  for_each_image(store, [&](const ImageRecord& image) {
    blobs.insert({image.manifest, image.config});
    if (image.index) blobs.insert(*image.index);
    if (image.chain_ids.empty()) add_small_blobs_of_list(store, image.manifest, blobs);
  });
  for_each_container(store, [&](const ContainerRecord& container) {
    if (!container.manifest.empty()) blobs.insert(base::Digest::parse(container.manifest));
    if (!container.image_id.empty()) blobs.insert(base::Digest::from_hex(container.image_id));
  });
  Objects artifacts;  // their files are not kept layers, which could be fetched again
  for (const NamedArtifact& artifact : list_artifacts(store)) add_manifest(store, artifact.manifest, artifacts);
  blobs.merge(artifacts.blobs);
  return blobs;
}

std::vector<std::string> peek_container_ids(const Store& store) {
  std::vector<std::string> ids = base::list_directory(store.root(), "containers");
  std::erase_if(ids, [](const std::string& name) { return !layout::is_container_id(name); });
  return ids;
}

std::optional<base::Digest> chain_of_merged(const std::string& name) {
  const std::string hex = name.substr(0, name.find('-'));
  if (!layout::is_hex_digest(hex)) return std::nullopt;
  return base::Digest::from_hex(hex);
}

Objects find_all_objects(const Store& store) {
  Objects objects;
  for (const std::string& name : base::list_directory(store.root(), "layers")) {
    if (layout::is_hex_digest(name)) objects.layers.insert(base::Digest::from_hex(name));
  }
  for (const std::string& folder : base::list_directory(store.root(), "blobs/sha256")) {
    for (const std::string& name : base::list_directory(store.root(), base::concat("blobs/sha256/", folder))) {
      if (layout::is_hex_digest(name)) objects.blobs.insert(base::Digest::from_hex(name));
    }
  }
  for (const std::string& name : base::list_directory(store.root(), "merged")) {
    if (const auto chain = chain_of_merged(name)) objects.layers.insert(*chain);
  }
  return objects;
}

std::vector<std::string> merged_trees_of(const Store& store, const std::set<base::Digest>& chains) {
  std::vector<std::string> paths;
  for (const std::string& name : base::list_directory(store.root(), "merged")) {
    const auto chain = chain_of_merged(name);
    if (chain && chains.count(*chain) != 0) paths.push_back(base::concat("merged/", name));
  }
  return paths;
}

}  // namespace storage
