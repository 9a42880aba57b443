#include <algorithm>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "storage/images.hpp"
#include "storage/layout.hpp"
#include "storage/refs.hpp"

namespace storage {

namespace {

/// Records of images/, without any that is damaged or vanished meanwhile.
std::vector<ImageRecord> read_all_images(const Store& store) {
  std::vector<ImageRecord> records;
  for (const std::string& file : base::list_directory(store.root(), "images")) {
    if (!layout::is_hex_digest(file)) continue;
    try {
      if (auto record = read_image(store, base::Digest::from_hex(file))) records.push_back(std::move(*record));
    } catch (const base::Error& error) {
      base::log(base::LogLevel::warn, error.message());
    }
  }
  return records;
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
  const auto refs = refs_by_manifest(store);
  const auto is_of_repository = [&](const ImageRecord& record) {
    const auto names = refs.find(record.manifest.hex());
    if (names == refs.end()) return true;
    return std::any_of(names->second.begin(), names->second.end(), [&](const std::string& name) {
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
  NamedImage image{{}, std::move(resolved->record)};
  auto refs = refs_by_manifest(store);
  if (auto names = refs.find(image.record.manifest.hex()); names != refs.end()) image.names = std::move(names->second);
  return image;
}

std::vector<NamedImage> list_images(const Store& store) {
  auto refs = refs_by_manifest(store);
  std::vector<NamedImage> images;
  for (ImageRecord& record : read_all_images(store)) {
    auto names = refs.find(record.manifest.hex());
    images.push_back({names == refs.end() ? std::vector<std::string>{} : std::move(names->second), std::move(record)});
  }
  std::stable_sort(images.begin(), images.end(), [](const NamedImage& left, const NamedImage& right) {
    return left.record.created > right.record.created;  // RFC 3339 in UTC sorts as text
  });
  return images;
}

}  // namespace storage
