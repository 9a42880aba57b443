#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "storage/check.hpp"
#include "storage/damage.hpp"

// The parts of check_store, which gather in one struct what is found and what is needed.

namespace storage {

/// Who needs a layer, as images and containers say.
struct LayerNeed {
  std::vector<std::string> users;       ///< "image localhost/a:1", "container web": for the user.
  std::vector<base::Digest> manifests;  ///< Images that hold it.
  std::set<std::string> variants;       ///< Those that containers were made with.
  std::optional<base::Digest> diff_id;  ///< As a config says.
};

/// A compressed layer, as manifests say.
struct BlobNeed {
  std::uint64_t size_bytes = 0;
  std::vector<base::Digest> manifests;
};

struct StoreCheck {
  const Store& store;
  const CheckRequest& request;
  std::vector<Finding> findings;
  std::map<base::Digest, LayerNeed> layers;  ///< By chain id.
  std::map<base::Digest, BlobNeed> layer_blobs;
  std::set<base::Digest> small_blobs;  ///< Manifests, configs, indexes.
  bool is_reach_known = true;          ///< False when a record that may keep things cannot be read.

  void add(Finding finding) { findings.push_back(std::move(finding)); }
  bool is_quick() const { return request.depth == CheckDepth::quick; }
};

/// The finding, made uncertain when `error` does not say what is there.
Finding because_of(const base::Error& error, Finding finding);

void check_folders(StoreCheck& check);
void check_names_of_images(StoreCheck& check);
void check_images(StoreCheck& check);
void check_containers(StoreCheck& check);
void check_names_of_containers(StoreCheck& check);
void check_volumes(StoreCheck& check);
void check_artifacts(StoreCheck& check);
void check_secrets(StoreCheck& check);
/// After images and containers.
void check_layers(StoreCheck& check);
void check_blobs(StoreCheck& check);
void check_orphans(StoreCheck& check);
void check_leftovers(StoreCheck& check);

/// For one image, also one that only a container keeps: its manifest, config and what they name. Returns false, with
/// a finding, when they cannot be read.
bool check_image_parts(StoreCheck& check, const base::Digest& manifest, const std::string& user);

}  // namespace storage
