#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "storage/store.hpp"

// One file per tag: "digest generation\n", and the full name after the generation where it had to be hashed.

namespace storage {

/// Durable; the generation is one more than before.
void write_ref(const Store& store, const std::string& name, const base::Digest& manifest);
/// Nothing when there is no such name. @throws Error corrupt.
std::optional<base::Digest> read_ref(const Store& store, const std::string& name);
/// What a file of refs/ says.
struct RefFile {
  std::string name;
  base::Digest manifest;
};
/// By the file's own name. Nothing when it went away. @throws Error corrupt.
std::optional<RefFile> read_ref_file(const Store& store, const std::string& file);
/// Every name, by the hex digits of the manifest it stands for; names of one image in alphabetical order. Damaged ones
/// are left out with a warning. @throws Error when one cannot be read.
using NamesByManifest = std::map<std::string, std::vector<std::string>, std::less<>>;
NamesByManifest refs_by_manifest(const Store& store);
/// The same of a shared store. A name that ours has, too, is left out: ours is the one that is meant.
NamesByManifest shared_refs_by_manifest(const Store& store, const SharedStore& shared);
/// Whether there is a file of which it cannot be told any more which image it names.
bool has_damaged_refs(const Store& store);

}  // namespace storage
