#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/oci/image_config.hpp"
#include "base/oci/reference.hpp"
#include "storage/small_files.hpp"
#include "storage/store.hpp"

namespace storage {

/// What images/<manifest hex> says. The image id is the digest of the config.
struct ImageRecord {
  base::Digest manifest;
  base::Digest config;
  std::optional<base::Digest> index;    ///< The index it was chosen from.
  std::vector<base::Digest> chain_ids;  ///< Lowest first.
  std::uint64_t size_bytes = 0;         ///< Sum of the unpacked layers.
  std::string created;                  ///< RFC 3339 as the config says.
};

struct NamedImage {
  std::vector<std::string> names;  ///< "docker.io/library/busybox:latest"; none: dangling.
  ImageRecord record;
  bool read_only = false;  ///< It is in a shared store and not in ours.
};

/// Durable when it returns; all layers and blobs must have been published before.
void put_image(const Store& store, const GcHold& hold, const ImageRecord& record);
void set_ref(const Store& store, const GcHold& hold, const std::string& name, const base::Digest& manifest);
/// False when there was no such name.
bool remove_ref(const Store& store, const std::string& name);
/// Exact name ("docker.io/library/busybox:latest").
std::optional<ImageRecord> find_by_ref(const Store& store, const std::string& name);
std::optional<ImageRecord> read_image(const Store& store, const base::Digest& manifest);
/// The same by the path of its record, for a look at many.
std::optional<ImageRecord> read_image_at(int dir, const std::string& path, const base::Digest& manifest,
                                         SmallFiles& files);
/// An image as one command uses it.
struct ResolvedImage {
  std::string name;  ///< The name that was found; "repository@digest" when asked so; empty when found by id.
  ImageRecord record;
};
/// As find_image, but without reading all names of the store: for `run`. An exact name costs three small reads.
std::optional<ResolvedImage> resolve_image(const Store& store, std::string_view text);

/// What a user types: id or its prefix of at least 2 digits (with or without "sha256:"), name with or without tag or
/// digest, short names under docker.io/library and localhost. @throws Error invalid_argument when a prefix is
/// ambiguous.
std::optional<NamedImage> find_image(const Store& store, std::string_view text);
/// The image with this id in our store: each manifest that it came with, from an archive and from a registry, say.
std::vector<NamedImage> own_images_of(const Store& store, const base::Digest& config);
/// All images of our store and of shared ones, newest first by `created`; one that is in both is ours. Those of one id
/// stand side by side.
std::vector<NamedImage> list_images(const Store& store);
/// Records an image of a shared store in ours too, with its manifest and config, so that it can be named here.
void adopt_image(const Store& store, const GcHold& hold, const ImageRecord& record);
/// Whether our own store has a record of it.
bool is_own_image(const Store& store, const base::Digest& manifest);
oci::ImageConfig read_image_config(const Store& store, const ImageRecord& record);
/// Removes the record and all names of it; layers, merged trees and blobs that nothing else needs are renamed to trash.
/// Deleting them is the work of empty_trash, after the lock was let go. In prune.cpp.
void remove_image(const Store& store, const GcLock& lock, const ImageRecord& record);

}  // namespace storage
