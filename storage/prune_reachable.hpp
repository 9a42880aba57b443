#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "storage/images.hpp"
#include "storage/store.hpp"

// What is in the store, and what records, containers and living staging folders reach of it.

namespace storage {

struct Objects {
  std::set<base::Digest> layers;  ///< Chain ids.
  std::set<base::Digest> blobs;
};

/// Records that are looked at as if they were gone already.
struct Forgotten {
  std::set<base::Digest> images;     ///< Manifests.
  std::set<std::string> containers;  ///< Ids.
};

/// A manifest with its config and blobs; of an index, what is here of its images.
void add_manifest_objects(const Store& store, const base::Digest& manifest, Objects& objects);
void add_image_objects(const Store& store, const ImageRecord& record, Objects& objects);
/// What the store must keep. Reads names and records only. Takes no lock: an object that was listed before this call
/// and is not in its result is in nobody's use, but only under the exclusive garbage lock that stays so.
/// @throws Error, when a record cannot be read: what it keeps is not known then.
Objects find_reachable(const Store& store, const Forgotten& forgotten = {});
/// Manifests, indexes and configs of all images and containers.
std::set<base::Digest> find_small_blobs(const Store& store);
/// Every layer, merged tree (by its chain id) and blob that there is.
Objects find_all_objects(const Store& store);

/// Ids of containers as their folders are called; unlike list_container_ids it tidies nothing up.
std::vector<std::string> peek_container_ids(const Store& store);
/// The chain id that "<chain>-<variant>" begins with; nothing for other names.
std::optional<base::Digest> chain_of_merged(const std::string& name);
/// merged/<chain>-<variant> of these chains.
std::vector<std::string> merged_trees_of(const Store& store, const std::set<base::Digest>& chains);

/// Id variants that were made for containers, and that no container needs: paths of their folders, with the merged
/// trees of these variants. The caller's default variant stays. Locks as for find_reachable.
std::vector<std::string> unused_variants(const Store& store, const Forgotten& forgotten = {});

}  // namespace storage
