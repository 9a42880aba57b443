#pragma once

#include <string>
#include <vector>

#include "base/fs.hpp"
#include "storage/images.hpp"
#include "storage/store.hpp"

namespace storage::test {

/// A store of its own in a temporary folder.
class TempStore {
 public:
  TempStore() : store_(Store::open(root_path(), run_path())) {}
  const Store& operator*() const noexcept { return store_; }
  const Store* operator->() const noexcept { return &store_; }
  std::string root_path() const { return folder_.path() + "/store"; }
  std::string run_path() const { return folder_.path() + "/run"; }

 private:
  base::TempDir folder_;
  Store store_;
};

/// The digest of any text: a name for things that need one.
inline base::Digest digest_of(std::string_view text) {
  return base::sha256(text);
}

/// Writes a file with these bytes below `dir`.
void write_file(int dir, const std::string& path, std::string_view bytes, mode_t mode = 0644);

/// Publishes a layer whose tree holds one file "from-<name>"; returns its chain id.
base::Digest publish_small_layer(const Store& store, const std::string& name, const std::string& variant = "single");

/// Stores config, manifest and record of an image with these layers.
ImageRecord put_small_image(const Store& store, const std::string& name, const std::vector<base::Digest>& chain_ids,
                            const std::string& created = "2026-01-01T00:00:00Z");

/// A container id made of one digit.
inline std::string id_of(char digit) {
  return std::string(64, digit);
}

}  // namespace storage::test
