#include <algorithm>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "storage/damage.hpp"
#include "storage/images.hpp"
#include "storage/layout.hpp"
#include "storage/refs.hpp"

namespace storage {

namespace {

/// Nothing when it was removed meanwhile or is damaged.
std::optional<ImageRecord> read_sound_image(int images, const std::string& name, SmallFiles& files) {
  try {
    return read_image_at(images, name, base::Digest::from_hex(name), files);
  } catch (const base::Error& error) {
    // Without one that cannot be read now, the beginning of an id might seem to mean another image.
    if (!is_damage(error) && error.kind() != base::ErrorKind::unsupported) throw;
    base::log(base::LogLevel::warn, error.message());
    return std::nullopt;
  }
}

/// Records of images/, without any that is damaged or vanished meanwhile.
void read_images_below(const Store& store, int root, std::vector<ImageRecord>& records) {
  const base::UniqueFd images = base::open_directory(root, "images");
  const std::vector<std::string> names = names_in(images.get(), ".");
  std::vector<std::optional<ImageRecord>> found(names.size());
  base::for_parts(names.size(), [&](std::size_t first, std::size_t last) {
    SmallFiles files;
    for (std::size_t i = first; i < last; ++i) {
      if (!layout::is_hex_digest(names[i])) continue;
      if (root == store.root() || !is_own_image(store, base::Digest::from_hex(names[i])))
        found[i] = read_sound_image(images.get(), names[i], files);
    }
  });
  for (std::optional<ImageRecord>& record : found)
    if (record) records.push_back(std::move(*record));
}

std::vector<ImageRecord> read_all_images(const Store& store) {
  std::vector<ImageRecord> records;
  read_images_below(store, store.root(), records);
  for (const SharedStore& shared : store.shared()) read_images_below(store, shared.root.get(), records);
  std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.manifest < b.manifest; });
  return records;
}

/// Names in our store, of one of its images; else those in the first shared store that knows it.
std::vector<std::string> names_of(const Store& store, const base::Digest& manifest) {
  NamesByManifest refs = refs_by_manifest(store);
  if (const auto names = refs.find(manifest.hex()); names != refs.end()) return std::move(names->second);
  if (is_own_image(store, manifest)) return {};
  for (const SharedStore& shared : store.shared()) {
    refs = shared_refs_by_manifest(store, shared);
    if (const auto names = refs.find(manifest.hex()); names != refs.end()) return std::move(names->second);
  }
  return {};
}

void append_images(const Store& store, int root, NamesByManifest refs, std::vector<NamedImage>& images) {
  std::vector<ImageRecord> records;
  read_images_below(store, root, records);
  images.reserve(images.size() + records.size());
  for (ImageRecord& record : records) {
    const auto is_same = [&](const NamedImage& known) { return known.record.manifest == record.manifest; };
    const bool is_shared = root != store.root();
    if (is_shared && std::any_of(images.begin(), images.end(), is_same)) continue;  // in two shared stores
    auto names = refs.find(record.manifest.hex());
    images.push_back(
        {names == refs.end() ? std::vector<std::string>{} : std::move(names->second), std::move(record), is_shared});
  }
}

/// By moving each once: they are large.
std::vector<NamedImage> newest_first(std::vector<NamedImage>& images) {
  std::vector<NamedImage*> order;
  order.reserve(images.size());
  for (NamedImage& image : images) order.push_back(&image);
  std::sort(order.begin(), order.end(), [](const NamedImage* left, const NamedImage* right) {
    const ImageRecord &a = left->record, &b = right->record;
    if (a.created != b.created) return a.created > b.created;  // RFC 3339 in UTC sorts as text
    return a.config != b.config ? a.config < b.config : a.manifest < b.manifest;
  });
  std::vector<NamedImage> sorted;
  sorted.reserve(order.size());
  for (NamedImage* image : order) sorted.push_back(std::move(*image));
  return sorted;
}

std::optional<oci::Reference> try_parse(std::string_view text) {
  try {
    return oci::Reference::parse(text);
  } catch (const base::Error&) {  // may still be an id
    return std::nullopt;
  }
}

/// A name with "@sha256:…" means that manifest (or the index it was chosen from) of that repository, tagged or not.
std::optional<ImageRecord> find_by_digest(const Store& store, const oci::Reference& wanted) {
  const auto is_of_repository = [&](const ImageRecord& record) {
    const std::vector<std::string> names = names_of(store, record.manifest);
    return names.empty() || std::any_of(names.begin(), names.end(), [&](const std::string& name) {
             const auto reference = try_parse(name);
             return reference && reference->repository() == wanted.repository();
           });
  };
  if (auto record = read_image(store, *wanted.digest()); record && is_of_repository(*record)) return record;
  for (ImageRecord& record : read_all_images(store)) {
    if (record.index == wanted.digest() && is_of_repository(record)) return std::move(record);
  }
  return std::nullopt;
}

/// Names to try, the likeliest first. As with podman, an image built here wins over one of the same name on Docker Hub.
std::vector<std::string> candidate_names(std::string_view text, const oci::Reference& reference) {
  std::vector<std::string> names{std::string{text}};
  if (!oci::Reference::is_qualified(text)) {
    if (const auto local = try_parse(base::concat("localhost/", text))) names.push_back(local->to_string());
  }
  names.push_back(reference.to_string());
  return names;
}

std::optional<ResolvedImage> resolve_name(const Store& store, std::string_view text) {
  const auto reference = try_parse(text);
  if (!reference) return std::nullopt;
  for (const std::string& name : candidate_names(text, *reference)) {
    if (auto record = find_by_ref(store, name)) return ResolvedImage{name, std::move(*record)};
  }
  if (!reference->digest()) return std::nullopt;
  auto record = find_by_digest(store, *reference);
  if (!record) return std::nullopt;
  return ResolvedImage{reference->to_string(), std::move(*record)};
}

std::optional<ResolvedImage> resolve_id(const Store& store, std::string_view text) {
  constexpr std::string_view algorithm = "sha256:";
  if (text.substr(0, algorithm.size()) == algorithm) text.remove_prefix(algorithm.size());
  if (text.size() < 2 || text.size() > 64 || !layout::is_lower_hex(text)) return std::nullopt;
  std::optional<ImageRecord> found;
  for (ImageRecord& record : read_all_images(store)) {
    if (record.config.hex().substr(0, text.size()) != text) continue;
    if (found && found->config != record.config) {
      throw base::Error{base::ErrorKind::invalid_argument,
                        base::concat("more than one image has an id that begins with ", base::quoted(text)),
                        "give more digits of the id"};
    }
    // One config under two manifests (recompressed layers) is one image to the user.
    if (!found) found = std::move(record);
  }
  if (!found && text.size() == 64) found = read_image(store, base::Digest::from_hex(text));
  if (!found) return std::nullopt;
  return ResolvedImage{{}, std::move(*found)};
}

}  // namespace

std::optional<ResolvedImage> resolve_image(const Store& store, std::string_view text) {
  if (auto named = resolve_name(store, text)) return named;
  return resolve_id(store, text);
}

std::optional<NamedImage> find_image(const Store& store, std::string_view text) {
  auto resolved = resolve_image(store, text);
  if (!resolved) return std::nullopt;
  std::vector<std::string> names = names_of(store, resolved->record.manifest);
  if (names.empty() && resolved->name.empty())  // found by its id: by the manifest that has names, if one has
    for (ImageRecord& other : read_all_images(store)) {
      if (other.config != resolved->record.config || other.manifest == resolved->record.manifest) continue;
      names = names_of(store, other.manifest);
      if (names.empty()) continue;
      resolved->record = std::move(other);
      break;
    }
  const bool is_shared = !is_own_image(store, resolved->record.manifest);
  return NamedImage{std::move(names), std::move(resolved->record), is_shared};
}

std::vector<NamedImage> own_images_of(const Store& store, const base::Digest& config) {
  NamesByManifest refs = refs_by_manifest(store);
  std::vector<ImageRecord> records;
  read_images_below(store, store.root(), records);
  std::vector<NamedImage> images;
  for (ImageRecord& record : records)
    if (record.config == config)
      images.push_back({std::move(refs[std::string{record.manifest.hex()}]), std::move(record)});
  return images;
}

std::vector<NamedImage> list_images(const Store& store) {
  std::vector<NamedImage> images;
  append_images(store, store.root(), refs_by_manifest(store), images);
  for (const SharedStore& shared : store.shared())
    append_images(store, shared.root.get(), shared_refs_by_manifest(store, shared), images);
  return newest_first(images);
}

}  // namespace storage
