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

/// Makes layers/<chain>/<variant> for all of them at once, from another variant; see shift_trees.hpp. Flushed once,
/// then renamed into place one by one; whoever was first stays. Called inside a user namespace that maps the ids of
/// both variants; the caller holds the layers' digest locks. What fails leaves nothing behind.
void make_id_variants(const Store& store, const IdVariantRequest& request, unsigned threads,
                      const std::function<void(std::uint64_t)>& report);

}  // namespace storage
