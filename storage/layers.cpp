#include "storage/layers.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/oci/manifest.hpp"
#include "storage/json_record.hpp"
#include "storage/layout.hpp"
#include "storage/staging.hpp"

namespace storage {

namespace {

/// The layer's record while it is still beside the variant's own one ("meta").
constexpr const char* staged_meta = "layer-meta";

/// As rootless::variant_of calls the layers of who has a single id.
constexpr std::string_view single_id_variant = "single";
constexpr std::size_t max_owners_bytes = std::size_t{512} * 1024 * 1024;

std::string render_meta(const LayerMeta& meta, const base::Digest& chain) {
  base::JsonWriter json = begin_record();
  json.member("chain_id", chain.text());
  json.member("diff_id", meta.diff_id.text());
  json.member("blob", meta.blob.text());
  json.member("media_type", meta.media_type);
  json.member("blob_bytes", meta.blob_bytes);
  json.member("unpacked_bytes", meta.unpacked_bytes);
  json.member("entries", meta.entries);
  json.end_object();
  return json.take();
}

std::string render_variant_meta(const std::string& variant) {
  base::JsonWriter json = begin_record();
  json.member("variant", variant);
  json.end_object();
  return json.take();
}

/// Record and owner manifest describe the layer, not the variant: the first variant brings them.
void publish_common_file(int staged, const char* staged_name, int layer, const char* name) {
  if (!base::exists(staged, staged_name)) return;
  if (!base::rename_no_replace(staged, staged_name, layer, name)) base::unlink_file(staged, staged_name);
}

/// The root of the store that has this layer for us. Variants of ranges of ids are called after them, so they fit who
/// has these; one of a single id is called the same for everybody.
std::optional<int> root_of_layer(const Store& store, const base::Digest& chain, const std::string& variant) {
  const std::string path = layout::layer_diff(chain, variant);
  if (base::exists(store.root(), path)) return store.root();
  for (const SharedStore& shared : store.shared()) {
    struct stat info {};
    if (::fstatat(shared.root.get(), path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (variant != single_id_variant || info.st_uid == ::geteuid()) return shared.root.get();
  }
  return std::nullopt;
}

void copy_record(int from, int to, const char* name) {
  const auto file = base::try_open_file(from, name);
  if (!file || base::exists(to, name)) return;
  base::write_file_atomically(to, name, base::read_to_end(file->get(), max_owners_bytes));
}

}  // namespace

bool has_layer(const Store& store, const base::Digest& chain, const std::string& variant) {
  return root_of_layer(store, chain, variant).has_value();
}

void make_layer_folder(const Store& store, const base::Digest& chain) {
  const std::string path = layout::layer(chain);
  const int origin = store.root_having(path);
  const base::UniqueFd own = base::make_directory(store.root(), path);
  if (origin == store.root()) return;
  const base::UniqueFd shared = base::open_directory(origin, path);
  for (const char* name : {"meta", "owners"}) copy_record(shared.get(), own.get(), name);
}

std::optional<LayerMeta> read_layer_meta(const Store& store, const base::Digest& chain) {
  const std::string path = base::concat(layout::layer(chain), "/meta");
  const auto bytes = base::try_read_file(store.root_having(path), path, max_record_bytes);
  if (!bytes) return std::nullopt;
  const base::JsonAt json = parse_record(*bytes, base::concat("record of layer ", chain));
  return LayerMeta{.diff_id = json.at("diff_id").digest(),
                   .blob = json.at("blob").digest(),
                   .media_type = json.at("media_type").string(),
                   .blob_bytes = json.at("blob_bytes").unsigned_integer(),
                   .unpacked_bytes = json.at("unpacked_bytes").unsigned_integer(),
                   .entries = json.at("entries").unsigned_integer()};
}

base::UniqueFd open_layer_diff(const Store& store, const base::Digest& chain, const std::string& variant) {
  const std::string path = layout::layer_diff(chain, variant);
  const int root = root_of_layer(store, chain, variant).value_or(store.root());
  base::UniqueFd fd{::openat(root, path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (fd) return fd;
  if (errno != ENOENT) throw base::os_error("opening layer ", chain);
  if (base::exists(store.root_having(layout::layer(chain)), layout::layer(chain))) {
    throw base::Error{base::ErrorKind::not_found,
                      base::concat("layer ", chain, " was not unpacked for this id map (", variant, ")"),
                      "the ids in /etc/subuid changed since the image was pulled: pull it again"};
  }
  throw base::Error{base::ErrorKind::not_found, base::concat("layer ", chain, " is not in the store"),
                    "pull the image again"};
}

bool are_own_layers(const Store& store, const std::vector<base::Digest>& chain_ids, const std::string& variant) {
  return std::all_of(chain_ids.begin(), chain_ids.end(), [&](const base::Digest& chain) {
    return base::exists(store.root(), layout::layer_diff(chain, variant));
  });
}

std::string layer_path(const Store& store, const base::Digest& chain, const std::string& variant) {
  const std::string path = layout::layer_diff(chain, variant);
  const int root = root_of_layer(store, chain, variant).value_or(store.root());
  for (const SharedStore& shared : store.shared())
    if (shared.root.get() == root) return base::concat(shared.path, '/', path);
  return base::concat(store.root_path(), '/', path);
}

bool is_layer_opaque(const Store& store, const base::Digest& chain, const std::string& variant) {
  const int root = root_of_layer(store, chain, variant).value_or(store.root());
  return base::exists(root, layout::layer_opaque(chain, variant));
}

std::vector<base::UniqueFd> open_layer_diffs(const Store& store, const std::vector<base::Digest>& chain_ids,
                                             const std::string& variant) {
  if (chain_ids.empty()) throw base::make_error(base::ErrorKind::unsupported, "the image has no layers");
  if (chain_ids.size() > oci::max_layers) {
    throw base::make_error(base::ErrorKind::unsupported, "the image has ", chain_ids.size(), " layers, and ",
                           oci::max_layers, " are possible");
  }
  std::vector<base::UniqueFd> diffs;
  diffs.reserve(chain_ids.size());
  for (auto chain = chain_ids.rbegin(); chain != chain_ids.rend(); ++chain) {
    diffs.push_back(open_layer_diff(store, *chain, variant));
    if (is_layer_opaque(store, *chain, variant)) break;
  }
  return diffs;
}

void write_layer_records(int staging_dir, const std::string& name, const base::Digest& chain,
                         const std::string& variant, const LayerMeta& meta) {
  const base::UniqueFd staged = base::open_directory(staging_dir, name);
  base::write_file_atomically(staged.get(), staged_meta, render_meta(meta, chain), base::Durability::volatile_);
  base::write_file_atomically(staged.get(), "meta", render_variant_meta(variant), base::Durability::volatile_);
}

void publish_layer(const Store& store, int staging_dir, const std::string& name, const base::Digest& chain,
                   const std::string& variant, const LayerMeta& meta) {
  const base::UniqueFd staged = base::open_directory(staging_dir, name);
  if (!base::exists(staged.get(), "diff")) {
    throw base::make_error(base::ErrorKind::internal, "publishing layer ", chain, " without its tree");
  }
  if (!base::exists(staged.get(), staged_meta)) {
    write_layer_records(staging_dir, name, chain, variant, meta);
    base::flush_filesystem(staged.get());
  }
  const base::UniqueFd layer = base::make_directory(store.root(), layout::layer(chain));
  publish_common_file(staged.get(), staged_meta, layer.get(), "meta");
  publish_common_file(staged.get(), "owners", layer.get(), "owners");
  if (base::rename_no_replace(staging_dir, name, store.root(), layout::layer_variant(chain, variant))) return;
  base::remove_tree(staging_dir, name);  // another process was first; the content is the same
}

}  // namespace storage
