#include "engine/image_paths.hpp"
#include "engine/image_views.hpp"
#include "engine/images.hpp"

// image_diff of image_views.hpp.

namespace engine {

std::vector<ImageChange> image_diff(Engine& engine, const std::string& name, const std::string& other) {
  const storage::Store& store = engine.store();
  const std::vector<base::Digest> chains = require_image(store, name).record.chain_ids;
  const std::vector<base::Digest> other_chains = other.empty() ? chains : require_image(store, other).record.chain_ids;
  const std::size_t other_count = !other.empty() ? other_chains.size() : chains.empty() ? 0 : chains.size() - 1;
  const ImagePaths earlier = ImagePaths::read(store, other_chains, other_count);
  const ImagePaths later = ImagePaths::read(store, chains, chains.size());
  return compare_paths(earlier.inodes(), later.inodes());
}

}  // namespace engine
