#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/fd.hpp"
#include "base/oci/descriptor.hpp"
#include "storage/store.hpp"

namespace storage {

/// What layers/<chain>/meta says.
struct LayerMeta {
  base::Digest diff_id;
  base::Digest blob;  ///< Of the compressed bytes, kept in blobs/ by default.
  std::string media_type;
  std::uint64_t blob_bytes = 0;
  std::uint64_t unpacked_bytes = 0;  ///< Sum of the sizes of regular files.
  std::uint64_t entries = 0;
};

/// In our store, or in a shared one whose owners fit us: a tree for a single id belongs to whoever unpacked it.
bool has_layer(const Store& store, const base::Digest& chain, const std::string& variant);
std::optional<LayerMeta> read_layer_meta(const Store& store, const base::Digest& chain);
/// O_PATH directory of the unpacked tree. @throws Error not_found.
base::UniqueFd open_layer_diff(const Store& store, const base::Digest& chain, const std::string& variant);

/// Whether all of them are in our own store, so that links to their files may be made.
bool are_own_layers(const Store& store, const std::vector<base::Digest>& chain_ids, const std::string& variant);
/// Absolute path of the tree, for people.
std::string layer_path(const Store& store, const base::Digest& chain, const std::string& variant);
/// Whether it hides all layers below it.
bool is_layer_opaque(const Store& store, const base::Digest& chain, const std::string& variant);
/// layers/<chain> of our own store; with the records of a shared store, when the layer was only there.
void make_layer_folder(const Store& store, const base::Digest& chain);

/// The trees of an image, highest first as overlay wants them, down to the first that hides all below it.
/// @param chain_ids  Lowest first. @throws Error as above; unsupported, when there are none or too many.
std::vector<base::UniqueFd> open_layer_diffs(const Store& store, const std::vector<base::Digest>& chain_ids,
                                             const std::string& variant);

/// Writes a layer's records beside what was unpacked in `staging_dir`/`name`. Call it before Staging::flush; where it
/// was not called, publish_layer writes and flushes them, at the price of one more flush a layer.
void write_layer_records(int staging_dir, const std::string& name, const base::Digest& chain,
                         const std::string& variant, const LayerMeta& meta);

/// Publishes what was unpacked in `staging_dir`/`name` (a folder with diff/ and owners; see unpack.hpp) as
/// layers/<chain>/<variant>; when another process was first, ours is discarded. Caller has flushed; put_image makes the
/// new names durable.
void publish_layer(const Store& store, int staging_dir, const std::string& name, const base::Digest& chain,
                   const std::string& variant, const LayerMeta& meta);

}  // namespace storage
