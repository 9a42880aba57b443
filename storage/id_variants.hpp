#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "storage/owner_translation.hpp"
#include "storage/store.hpp"

namespace storage {

/// The id map that a variant was made for, as text; nothing for those of callers' default maps, which are not noted.
std::optional<std::string> variant_map_text(const Store& store, const base::Digest& chain, const std::string& variant);

/// Names of the variants that this layer has. Empty, when it is not there.
std::vector<std::string> list_variants(const Store& store, const base::Digest& chain);

/// Held while a container gets ids that no other one has, until it is recorded.
base::FileLock lock_automatic_ids(const Store& store);

struct IdVariantRequest {
  std::vector<base::Digest> chain_ids;
  std::string source;        ///< A variant that all of them have.
  std::string variant;       ///< What is to be made.
  std::string map_text;      ///< Noted beside it.
  std::string staging_name;  ///< Of the caller's Staging, which keeps the layers from garbage collection.
  OwnerTranslation translation;
};

/// Makes the variant of all of them at once in the staging folder, from another variant, and flushes it; see
/// shift_trees.hpp. Called inside a user namespace that maps the ids of both variants; the caller holds the layers'
/// digest locks. What fails leaves nothing behind.
void make_id_variants(const Store& store, const IdVariantRequest& request, unsigned threads,
                      const std::function<void(std::uint64_t)>& report);

/// Renames what make_id_variants made of these layers, in the same order, to layers/<chain>/<variant>, one by one, and
/// flushes that; whoever was first stays, and a layer that was removed meanwhile does not come back.
void publish_id_variants(const Store& store, const GcHold& hold, int staging_dir,
                         const std::vector<base::Digest>& chain_ids, const std::string& variant);

}  // namespace storage
