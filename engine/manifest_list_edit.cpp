#include "base/error.hpp"
#include "base/oci/manifest.hpp"
#include "engine/manifest_list_store.hpp"
#include "engine/manifest_list_verbs.hpp"
#include "engine/manifest_list_words.hpp"
#include "storage/blobs.hpp"

// Editing a manifest list of the store: nothing here needs a network.

namespace engine {
namespace {

/// "sha256:…", or the digest of what the store has under that name.
base::Digest digest_meant(const storage::Store& store, const std::string& typed) {
  if (typed.starts_with("sha256:") && typed.size() == 71) return base::Digest::parse(typed);
  if (const auto image = storage::resolve_image(store, typed)) return image->record.manifest;
  throw base::make_error(base::ErrorKind::not_found, base::quoted(typed),
                         " is neither a digest nor an image of the store");
}

ListInstance& require_instance(ManifestList& list, const base::Digest& digest, const std::string& shown) {
  if (ListInstance* const found = find_instance(list, digest)) return *found;
  throw base::make_error(base::ErrorKind::not_found, "list ", base::quoted(shown), " has no instance ", digest)
      .with_hint(base::concat("engine manifest inspect ", shown));
}

ListSubject subject_meant(const storage::Store& store, const std::string& typed) {
  const base::Digest digest = digest_meant(store, typed);
  const std::string bytes = storage::read_blob(store, digest, oci::max_manifest_bytes);
  const auto parsed = oci::parse_manifest(bytes, "", base::concat("manifest ", digest));
  return {std::visit([](const auto& view) { return view.media_type; }, parsed), digest, bytes.size()};
}

void change_list_itself(const storage::Store& store, ManifestList& list, const AnnotateListOptions& options) {
  for (const std::string& annotation : options.words.annotations) set_annotation(list.annotations, annotation);
  if (!options.subject.empty()) list.subject = subject_meant(store, options.subject);
}

}  // namespace

void apply_words(ListInstance& instance, const InstanceWords& words) {
  if (!words.os.empty()) instance.os = words.os;
  if (!words.architecture.empty()) instance.architecture = words.architecture;
  if (!words.variant.empty()) instance.variant = words.variant;
  if (!words.os_version.empty()) instance.os_version = words.os_version;
  if (!words.os_features.empty()) instance.os_features = words.os_features;
  if (!words.features.empty()) instance.features = words.features;
  for (const std::string& annotation : words.annotations) set_annotation(instance.annotations, annotation);
}

std::string annotate_manifest_list(Engine& engine, const AnnotateListOptions& options) {
  if (!options.instance.empty() && !options.subject.empty())
    throw base::Error(base::ErrorKind::invalid_argument, "--subject is for the list itself: leave the image out");
  return change_manifest_list(engine, options.list, [&](ManifestList& list) {
    if (options.instance.empty()) return change_list_itself(engine.store(), list, options);
    const base::Digest digest = digest_meant(engine.store(), options.instance);
    apply_words(require_instance(list, digest, options.list), options.words);
  });
}

std::string remove_from_manifest_list(Engine& engine, const std::string& list,
                                      const std::vector<std::string>& instances) {
  return change_manifest_list(engine, list, [&](ManifestList& changed) {
    for (const std::string& typed : instances) {
      const base::Digest digest = digest_meant(engine.store(), typed);
      require_instance(changed, digest, list);
      std::erase_if(changed.instances, [&](const ListInstance& instance) { return instance.digest == digest; });
    }
  });
}

RemovedImage remove_manifest_list(Engine& engine, const std::string& list, bool ignore_missing) {
  if (ignore_missing && !storage::resolve_image(engine.store(), list)) return {};
  require_manifest_list(engine.store(), list);
  RemoveImageOptions options;
  options.images = {list};
  options.ignore = ignore_missing;
  return remove_images(engine, options);
}

bool manifest_list_exists(Engine& engine, const std::string& list) {
  return find_manifest_list(engine.store(), list).has_value();
}

}  // namespace engine
