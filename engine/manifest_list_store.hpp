#pragma once

#include <functional>
#include <optional>
#include <string>

#include "engine/context.hpp"
#include "engine/manifest_list.hpp"
#include "storage/images.hpp"

// Manifest lists in the store: images whose manifest is an index, and whose config is one of our own making.

namespace engine {

struct StoredList {
  std::string name;  ///< In full; empty when it was found by id or digest.
  storage::ImageRecord record;
  ManifestList list;
};

/// Whether the image is a list. Costs a look into its manifest only where it has no layers.
bool is_manifest_list(const storage::Store& store, const storage::ImageRecord& record);
/// Nothing, when there is none, or an image that is no list.
std::optional<StoredList> find_manifest_list(const storage::Store& store, const std::string& typed);
/// The same of an image that was found already.
std::optional<StoredList> as_manifest_list(const storage::Store& store, storage::ResolvedImage image);
/// @throws Error not_found; unsupported, when it is an image.
StoredList require_manifest_list(const storage::Store& store, const std::string& typed);

/// Records the list, and moves `name` to it (where it is not empty). Durable when it returns.
storage::ImageRecord put_manifest_list(const storage::Store& store, const ManifestList& list, const std::string& name);

/// Reads, changes and writes the list that `typed` names, as one step: of two that change it at once none is lost. The
/// name goes to the changed list, and the old one is removed unless it has other names. What the list names must be
/// kept by the caller meanwhile. Returns the list's new id.
std::string change_manifest_list(Engine& engine, const std::string& typed,
                                 const std::function<void(ManifestList&)>& change);

/// The entry for `platform` (empty: this machine's). @throws Error not_found, when the list has none for it.
const ListInstance& choose_instance(const ManifestList& list, const std::string& platform);
/// Of a list, the image for `platform` (empty: this machine's) as it is in the store; nothing, when it is not there.
/// @throws Error not_found, when the list has none for it.
std::optional<storage::ImageRecord> choose_stored_instance(const storage::Store& store,
                                                           const storage::ImageRecord& list,
                                                           const std::string& platform);

}  // namespace engine
