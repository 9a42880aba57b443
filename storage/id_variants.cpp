#include "storage/id_variants.hpp"

#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/scope_exit.hpp"
#include "storage/json_record.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"
#include "storage/shift_trees.hpp"

namespace storage {
namespace {

constexpr std::size_t max_meta_bytes = 64 * 1024;

std::string folder_name(std::size_t index) {
  return base::concat("variant-", index);
}

std::string render_meta(const IdVariantRequest& request) {
  base::JsonWriter json = begin_record();
  json.member("variant", request.variant).member("map", request.map_text);
  json.end_object();
  return json.take();
}

/// An empty place for one layer, with all that stands beside its tree.
ShiftedTree begin_layer(const Store& store, const IdVariantRequest& request, int staging, std::size_t index) {
  const base::Digest& chain = request.chain_ids[index];
  const base::UniqueFd wrapper = base::make_directory(staging, folder_name(index));
  base::write_file_atomically(wrapper.get(), "meta", render_meta(request), base::Durability::volatile_);
  if (is_layer_opaque(store, chain, request.source))
    base::create_file_exclusively(wrapper.get(), "opaque", "", base::Durability::volatile_);
  return {open_layer_diff(store, chain, request.source), base::make_directory(wrapper.get(), "diff")};
}

void remove_folders(int staging, std::size_t count) noexcept {
  for (std::size_t index = 0; index < count; ++index) {
    try {
      base::remove_tree(staging, folder_name(index));
    } catch (const base::Error&) {  // the staging folder is stale soon; whoever removes that does this
    }
  }
}

}  // namespace

std::optional<std::string> variant_map_text(const Store& store, const base::Digest& chain, const std::string& variant) {
  const std::string path = base::concat(layout::layer_variant(chain, variant), "/meta");
  const auto bytes = base::try_read_file(store.root(), path, max_meta_bytes);
  if (!bytes) return std::nullopt;
  const std::string map = parse_record(*bytes, base::concat("record of variant ", variant)).string_or("map", "");
  if (map.empty()) return std::nullopt;
  return map;
}

std::vector<std::string> list_variants(const Store& store, const base::Digest& chain) {
  std::vector<std::string> variants;
  if (!base::exists(store.root(), layout::layer(chain))) return variants;
  for (const std::string& name : base::list_directory(store.root(), layout::layer(chain))) {
    if (name.starts_with("user-") && has_layer(store, chain, name)) variants.push_back(name);
  }
  return variants;
}

base::FileLock lock_automatic_ids(const Store& store) {
  return base::FileLock::acquire(store.root(), "locks/automatic-ids", base::FileLock::Mode::exclusive);
}

void make_id_variants(const Store& store, const IdVariantRequest& request, unsigned threads,
                      const std::function<void(std::uint64_t)>& report) {
  ::umask(0);  // copies are made with the modes that they shall have
  const base::UniqueFd staging = base::open_directory(store.root(), base::concat("staging/", request.staging_name));
  auto undo = base::on_scope_exit([&] { remove_folders(staging.get(), request.chain_ids.size()); });
  std::vector<ShiftedTree> trees;
  for (std::size_t index = 0; index < request.chain_ids.size(); ++index)
    trees.push_back(begin_layer(store, request, staging.get(), index));
  OwnerTranslation translation = request.translation;
  translation.may_link = are_own_layers(store, request.chain_ids, request.source);
  shift_trees(trees, translation, threads, report);
  base::flush_filesystem(staging.get());
  undo.cancel();
}

void publish_id_variants(const Store& store, const GcHold&, int staging_dir, const std::vector<base::Digest>& chain_ids,
                         const std::string& variant) {
  for (std::size_t index = 0; index < chain_ids.size(); ++index) {
    const std::string layer = layout::layer(chain_ids[index]);
    if (!base::exists(store.root_having(layer), layer)) continue;
    make_layer_folder(store, chain_ids[index]);
    base::rename_no_replace(staging_dir, folder_name(index), store.root(),
                            layout::layer_variant(chain_ids[index], variant));
  }
  base::flush_filesystem(staging_dir);
}

}  // namespace storage
