#include <variant>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/oci/image_config.hpp"
#include "base/oci/manifest.hpp"
#include "storage/blobs.hpp"
#include "storage/check_parts.hpp"
#include "storage/images.hpp"
#include "storage/layout.hpp"
#include "storage/refs.hpp"

// Tags, image records, manifests and configs: from names to what they need.

namespace storage {
namespace {

void add_once(std::vector<base::Digest>& list, const base::Digest& digest) {
  for (const base::Digest& known : list)
    if (known == digest) return;
  list.push_back(digest);
}

Finding damaged_image(const base::Digest& manifest, std::string_view kind, const std::string& user,
                      const std::string& why) {
  return {.severity = Severity::damage,
          .kind = kind,
          .object = manifest.text(),
          .message = base::concat(user, " cannot be used: ", why),
          .remedy = std::string{repair_command},
          .cure = Cure::restore_image,
          .manifests = {manifest}};
}

/// "image localhost/a:1", or by the digest when it has no name.
std::string name_of_image(const base::Digest& manifest, const std::vector<std::string>& names) {
  return base::concat("image ", names.empty() ? manifest.text() : base::join(names, ", "));
}

/// Manifest and config, both checked against their digests.
struct ImageContent {
  oci::Manifest manifest;
  oci::ImageConfig config;
};

ImageContent read_content(const Store& store, const base::Digest& digest) {
  auto parsed =
      oci::parse_manifest(read_blob(store, digest, oci::max_manifest_bytes), "", base::concat("manifest ", digest));
  oci::Manifest* const manifest = std::get_if<oci::Manifest>(&parsed);
  if (manifest == nullptr) throw base::make_error(base::ErrorKind::corrupt, digest, " is an index, not an image");
  oci::ImageConfig config = oci::parse_image_config(read_blob(store, manifest->config.digest, oci::max_config_bytes),
                                                    base::concat("config ", manifest->config.digest));
  if (config.diff_ids.size() != manifest->layers.size())
    throw base::make_error(base::ErrorKind::corrupt, "its manifest and its config have not the same number of layers");
  return {std::move(*manifest), std::move(config)};
}

void note_needs(StoreCheck& check, const base::Digest& manifest, const ImageContent& content, const std::string& user) {
  check.small_blobs.insert(content.manifest.config.digest);
  const std::vector<base::Digest> chains = oci::chain_ids(content.config.diff_ids);
  for (std::size_t i = 0; i < chains.size(); ++i) {
    LayerNeed& need = check.layers[chains[i]];
    need.users.push_back(user);
    add_once(need.manifests, manifest);
    need.diff_id = content.config.diff_ids[i];
    BlobNeed& blob = check.layer_blobs[content.manifest.layers[i].digest];
    blob.size_bytes = content.manifest.layers[i].size_bytes;
    add_once(blob.manifests, manifest);
  }
}

void compare_record(StoreCheck& check, const ImageRecord& record, const ImageContent& content,
                    const std::string& user) {
  if (record.config == content.manifest.config.digest && record.chain_ids == oci::chain_ids(content.config.diff_ids))
    return;
  check.add(damaged_image(record.manifest, "image-record", user, "its record is not what its manifest says"));
}

void check_quickly(StoreCheck& check, const ImageRecord& record, const std::string& user) {
  for (const base::Digest* blob : {&record.manifest, &record.config})
    if (!has_blob(check.store, *blob))
      check.add(damaged_image(record.manifest, "blob-missing", user, base::concat("blob ", *blob, " is missing")));
  for (const base::Digest& chain : record.chain_ids) {
    check.layers[chain].users.push_back(user);
    add_once(check.layers[chain].manifests, record.manifest);
  }
}

/// A manifest list has a config of the engine's making, and of its images what is here. False, when it is none.
bool check_list(StoreCheck& check, const ImageRecord& record) {
  if (!record.chain_ids.empty()) return false;
  const auto parsed = oci::parse_manifest(read_blob(check.store, record.manifest, oci::max_manifest_bytes), "",
                                          base::concat("manifest ", record.manifest));
  const auto* list = std::get_if<oci::Index>(&parsed);
  if (list == nullptr) return false;
  oci::parse_image_config(read_blob(check.store, record.config, oci::max_config_bytes),
                          base::concat("config ", record.config));
  for (const oci::Descriptor& instance : list->manifests)
    if (has_blob(check.store, instance.digest)) read_blob(check.store, instance.digest, oci::max_manifest_bytes);
  return true;
}

void check_record(StoreCheck& check, const ImageRecord& record, const std::string& user) {
  check.small_blobs.insert({record.manifest, record.config});
  if (record.index) check.small_blobs.insert(*record.index);
  if (check.is_quick()) return check_quickly(check, record, user);
  try {
    if (check_list(check, record)) return;
    const ImageContent content = read_content(check.store, record.manifest);
    note_needs(check, record.manifest, content, user);
    compare_record(check, record, content, user);
  } catch (const base::Error& error) {
    const bool is_missing = error.kind() == base::ErrorKind::not_found;
    check.add(because_of(
        error, damaged_image(record.manifest, is_missing ? "blob-missing" : "blob-damaged", user, error.message())));
    for (const base::Digest& chain : record.chain_ids) {
      check.layers[chain].users.push_back(user);
      add_once(check.layers[chain].manifests, record.manifest);
    }
  }
}

void check_image_file(StoreCheck& check, const std::string& file, const std::vector<std::string>& names) {
  const base::Digest manifest = base::Digest::from_hex(file);
  const std::string user = name_of_image(manifest, names);
  const std::size_t known = check.findings.size();
  try {
    if (const auto record = read_image(check.store, manifest)) check_record(check, *record, user);
  } catch (const base::Error& error) {
    check.is_reach_known = false;
    check.small_blobs.insert(manifest);
    check.add(because_of(error, damaged_image(manifest, "image-record", user, error.message())));
  }
  // Another command may have removed it while we looked.
  if (check.findings.size() > known && !base::exists(check.store.root(), layout::image(manifest)))
    check.findings.erase(check.findings.begin() + static_cast<std::ptrdiff_t>(known), check.findings.end());
}

/// A name may stand for an image of a shared store.
bool has_record(const Store& store, const base::Digest& manifest) {
  const std::string path = layout::image(manifest);
  return base::exists(store.root_having(path), path);
}

}  // namespace

bool check_image_parts(StoreCheck& check, const base::Digest& manifest, const std::string& user) {
  check.small_blobs.insert(manifest);
  try {
    note_needs(check, manifest, read_content(check.store, manifest), user);
    return true;
  } catch (const base::Error& error) {
    check.add(because_of(error, damaged_image(manifest, "blob-damaged", user, error.message())));
    return false;
  }
}

void check_images(StoreCheck& check) {
  auto names = refs_by_manifest(check.store);
  for (const std::string& file : base::list_directory(check.store.root(), "images"))
    if (layout::is_hex_digest(file)) check_image_file(check, file, names[file]);
}

void check_names_of_images(StoreCheck& check) {
  for (const std::string& file : base::list_directory(check.store.root(), "refs")) {
    if (file.front() == '.') continue;  // a temporary file: check_leftovers
    try {
      const auto ref = read_ref_file(check.store, file);
      if (!ref || has_record(check.store, ref->manifest)) continue;
      const auto again = read_ref_file(check.store, file);  // it may have been moved or removed meanwhile
      if (!again || again->manifest != ref->manifest) continue;
      check.small_blobs.insert(ref->manifest);
      check.add({.severity = Severity::damage,
                 .kind = "name-dangling",
                 .object = ref->manifest.text(),
                 .message = base::concat("the name ", base::quoted(ref->name), " stands for ", ref->manifest,
                                         ", which has no record"),
                 .remedy = base::concat(repair_command, "   or   engine untag ", ref->name),
                 .cure = Cure::restore_image,
                 .path = base::concat("refs/", file),
                 .manifests = {ref->manifest}});
    } catch (const base::Error& error) {
      check.add(because_of(error, {.severity = Severity::damage,
                                   .kind = "name-damaged",
                                   .object = layout::decode_name(file),
                                   .message = base::concat("a name of an image is lost: ", error.message()),
                                   .remedy = base::concat(repair_command, " removes it; pull the image again"),
                                   .cure = Cure::discard,
                                   .path = base::concat("refs/", file)}));
    }
  }
}

}  // namespace storage
