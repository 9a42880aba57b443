#include <fcntl.h>
#include <sys/stat.h>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/blobs.hpp"
#include "storage/check_parts.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"
#include "storage/owners.hpp"
#include "storage/prune_reachable.hpp"

// Layers and blobs: whether what is needed is there and sound, and what is there for nobody.

namespace storage {
namespace {

constexpr std::size_t chunk_bytes = 256 * 1024;

std::string list_users(const LayerNeed& need) {
  constexpr std::size_t max_told = 3;
  std::string text;
  for (std::size_t i = 0; i < need.users.size() && i < max_told; ++i)
    text += base::concat(i == 0 ? "" : ", ", need.users[i]);
  if (need.users.size() > max_told) text += base::concat(" and ", need.users.size() - max_told, " more");
  return text;
}

Finding damaged_layer(std::string_view kind, const base::Digest& chain, const LayerNeed& need,
                      const std::string& variant, const std::string& why) {
  return {.severity = Severity::damage,
          .kind = kind,
          .object = chain.text(),
          .message = base::concat("layer ", chain.short_hex(), " of ", list_users(need), " ", why),
          .remedy = std::string{repair_command},
          .cure = Cure::rebuild_layer,
          .variant = variant,
          .manifests = need.manifests};
}

void add_damaged_layer(StoreCheck& check, std::string_view kind, const base::Digest& chain, const LayerNeed& need,
                       const std::string& variant, const std::string& why) {
  check.add(damaged_layer(kind, chain, need, variant, why));
}

void read_owners(int layer) {
  const auto fd = base::try_open_file(layer, "owners");
  if (!fd) throw base::make_error(base::ErrorKind::corrupt, "has no owner manifest");
  OwnersReader reader(fd->get());
  while (reader.next()) continue;
}

/// What all variants of a layer share.
void check_layer_records(StoreCheck& check, const base::Digest& chain, const LayerNeed& need, int layer) {
  try {
    const auto meta = read_layer_meta(check.store, chain);
    if (!meta) throw base::make_error(base::ErrorKind::corrupt, "it has no record");
    if (need.diff_id && meta->diff_id != *need.diff_id)
      throw base::make_error(base::ErrorKind::corrupt, "its record is another layer's");
  } catch (const base::Error& error) {
    check.add(because_of(error, damaged_layer("layer-record", chain, need, check.request.variant,
                                              base::concat("has a damaged record: ", error.message()))));
  }
  try {
    if (check.is_quick() ? !base::exists(layer, "owners") : (read_owners(layer), false))
      throw base::make_error(base::ErrorKind::corrupt, "there is none");
  } catch (const base::Error& error) {
    const std::string why = base::concat(
        "has a damaged owner manifest, without which it cannot be pushed, saved or checked: ", error.message());
    check.add(because_of(error, damaged_layer("layer-owners", chain, need, check.request.variant, why)));
  }
}

bool is_variant_folder(int layer, const std::string& name) {
  struct stat info {};
  if (::fstatat(layer, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) return S_ISDIR(info.st_mode);
  if (errno != ENOENT) throw base::os_error("looking at ", base::quoted(name), " of a layer");
  return false;
}

const std::string* find_damage(const CheckRequest& request, const base::Digest& chain, const std::string& variant) {
  const auto layer = request.damaged_trees.find(chain);
  if (layer == request.damaged_trees.end()) return nullptr;
  const auto text = layer->second.find(variant);
  return text == layer->second.end() ? nullptr : &text->second;
}

void check_variants(StoreCheck& check, const base::Digest& chain, const LayerNeed& need, int layer) {
  std::set<std::string> wanted = need.variants;
  bool has_any = false;
  for (const std::string& name : base::list_directory(layer, ".")) {
    if (!is_variant_folder(layer, name)) continue;
    has_any = true;
    wanted.erase(name);
    if (!base::exists(layer, base::concat(name, "/diff")))
      add_damaged_layer(check, "layer-damaged", chain, need, name, "has lost its files");
    else if (const std::string* why = find_damage(check.request, chain, name))
      add_damaged_layer(check, "layer-damaged", chain, need, name, base::concat("is damaged: ", *why));
  }
  if (!has_any && !has_layer(check.store, chain, check.request.variant))
    return add_damaged_layer(check, "layer-missing", chain, need, check.request.variant, "is not unpacked");
  for (const std::string& variant : wanted) {
    if (has_layer(check.store, chain, variant)) continue;  // in a shared store
    add_damaged_layer(check, "layer-missing", chain, need, variant,
                      base::concat("is not unpacked for the ids of its containers (", variant, ")"));
  }
}

void check_layer(StoreCheck& check, const base::Digest& chain, const LayerNeed& need) {
  const std::string path = layout::layer(chain);
  const auto layer = base::try_open_directory(check.store.root_having(path), path);
  if (!layer) return add_damaged_layer(check, "layer-missing", chain, need, check.request.variant, "is missing");
  check_layer_records(check, chain, need, layer->get());
  check_variants(check, chain, need, layer->get());
}

bool has_digest(int fd, const base::Digest& digest) {
  base::Sha256 hash;
  std::string buffer(chunk_bytes, '\0');
  while (const std::size_t count = base::read_some(fd, buffer.data(), buffer.size())) hash.update(buffer.data(), count);
  return hash.finish() == digest;
}

void check_layer_blob(StoreCheck& check, const base::Digest& digest, const BlobNeed& need) {
  const auto blob = open_blob(check.store, digest);
  if (!blob) return;  // compressed layers need not be kept
  struct stat info {};
  if (::fstat(blob->get(), &info) != 0) throw base::os_error("looking at blob ", digest);
  const auto size = static_cast<std::uint64_t>(info.st_size);
  std::string why;
  bool is_certain = true;
  if (size != need.size_bytes) {
    why = base::concat("has ", size, " bytes instead of ", need.size_bytes);
  } else if (check.request.depth == CheckDepth::deep) {
    if (check.request.on_blob) check.request.on_blob(digest, size);
    try {
      if (!has_digest(blob->get(), digest)) why = "has another content than its digest says";
    } catch (const base::Error& error) {
      why = base::concat("cannot be read: ", error.message());
      is_certain = is_damage(error);
    }
  }
  if (why.empty()) return;
  check.add({.severity = Severity::damage,
             .kind = "blob-damaged",
             .object = digest.text(),
             .message = base::concat("the compressed layer ", digest.short_hex(), " ", why,
                                     ": push and save would fail, and what is unpacked of it could not be rebuilt"),
             .remedy = base::concat(repair_command, " fetches it again, or removes it"),
             .cure = Cure::fetch_blob,
             .is_certain = is_certain,
             .path = layout::blob(digest),
             .manifests = need.manifests});
}

Finding stray(const std::string& path) {
  return {.severity = Severity::leftover,
          .kind = "stray",
          .object = path,
          .message = base::concat(base::quoted(path), " is nothing that belongs into a store"),
          .remedy = base::concat(repair_command, " removes it"),
          .cure = Cure::discard,
          .path = path};
}

void check_names_of_blobs(StoreCheck& check) {
  for (const std::string& folder : base::list_directory(check.store.root(), "blobs/sha256"))
    for (const std::string& name : base::list_directory(check.store.root(), base::concat("blobs/sha256/", folder)))
      if (name.front() != '.' && (!layout::is_hex_digest(name) || name.substr(0, 2) != folder))
        check.add(stray(base::concat("blobs/sha256/", folder, "/", name)));
}

}  // namespace

void check_layers(StoreCheck& check) {
  for (const auto& [chain, need] : check.layers) check_layer(check, chain, need);
  for (const char* folder : {"layers", "images", "containers"})
    for (const std::string& name : base::list_directory(check.store.root(), folder))
      if (name.front() != '.' && !layout::is_hex_digest(name)) check.add(stray(base::concat(folder, "/", name)));
}

void check_blobs(StoreCheck& check) {
  for (const auto& [digest, need] : check.layer_blobs) check_layer_blob(check, digest, need);
  check_names_of_blobs(check);
}

void check_orphans(StoreCheck& check) {
  if (!check.is_reach_known || check.is_quick()) return;
  // In this order: whatever appeared after the first look is not among those that are missed in the second.
  const Objects all = find_all_objects(check.store);
  const Objects needed = find_reachable(check.store);
  const auto add = [&](std::string_view kind, std::string_view what, const base::Digest& digest,
                       const std::string& path) {
    const bool is_named = check.small_blobs.count(digest) != 0;  // by a name whose image record is lost
    if (is_named || !base::exists(check.store.root(), path)) return;
    check.add({.severity = Severity::leftover,
               .kind = kind,
               .object = digest.text(),
               .message = base::concat(what, " ", digest.short_hex(), " is used by nothing"),
               .remedy = "engine system prune",
               .cure = Cure::sweep,
               .path = path});
  };
  for (const base::Digest& chain : all.layers)
    if (needed.layers.count(chain) == 0) add("layer-orphan", "layer", chain, layout::layer(chain));
  for (const base::Digest& blob : all.blobs)
    if (needed.blobs.count(blob) == 0) add("blob-orphan", "blob", blob, layout::blob(blob));
}

}  // namespace storage
