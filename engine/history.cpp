#include <algorithm>
#include <map>

#include "engine/image_views.hpp"
#include "engine/images.hpp"
#include "storage/layers.hpp"

// image_history and image_layers of image_views.hpp.

namespace engine {
namespace {

std::uint64_t layer_bytes(const storage::Store& store, const base::Digest& chain) {
  const auto meta = storage::read_layer_meta(store, chain);
  return meta ? meta->unpacked_bytes : 0;
}

/// Images by their topmost layer.
std::map<base::Digest, std::vector<storage::NamedImage>> images_by_top(const storage::Store& store) {
  std::map<base::Digest, std::vector<storage::NamedImage>> result;
  for (storage::NamedImage& image : storage::list_images(store)) {
    if (image.record.chain_ids.empty()) continue;
    const base::Digest top = image.record.chain_ids.back();
    result[top].push_back(std::move(image));
  }
  return result;
}

std::vector<std::string> names_at(const std::map<base::Digest, std::vector<storage::NamedImage>>& tops,
                                  const base::Digest& chain) {
  std::vector<std::string> names;
  const auto found = tops.find(chain);
  if (found == tops.end()) return names;
  for (const storage::NamedImage& image : found->second) {
    if (image.names.empty()) names.push_back(image.record.config.short_hex());
    names.insert(names.end(), image.names.begin(), image.names.end());
  }
  return names;
}

using Tops = std::map<base::Digest, std::vector<storage::NamedImage>>;

LayerNode make_node(const storage::Store& store, const Tops& tops, const base::Digest& chain) {
  return {.id = std::string{chain.hex()},
          .size_bytes = layer_bytes(store, chain),
          .top_of = names_at(tops, chain),
          .children = {}};
}

/// Puts the layers from `depth` on below `parent`, where they are not there yet.
void add_path(const storage::Store& store, const Tops& tops, LayerNode& parent, const std::vector<base::Digest>& chains,
              std::size_t depth) {
  LayerNode* node = &parent;
  for (; depth < chains.size(); ++depth) {
    const std::string_view id = chains[depth].hex();
    const auto known = std::find_if(node->children.begin(), node->children.end(),
                                    [&](const LayerNode& child) { return child.id == id; });
    if (known != node->children.end()) {
      node = &*known;
      continue;
    }
    node->children.push_back(make_node(store, tops, chains[depth]));
    node = &node->children.back();
  }
}

}  // namespace

std::vector<HistoryLine> image_history(Engine& engine, const std::string& name) {
  const storage::Store& store = engine.store();
  const storage::NamedImage image = require_image(store, name);
  const oci::ImageConfig config = storage::read_image_config(store, image.record);
  const Tops tops = images_by_top(store);
  std::vector<HistoryLine> lines;
  std::size_t layer = 0;
  for (const oci::History& entry : config.history) {
    HistoryLine line{.id = {},
                     .created = base::parse_rfc3339(entry.created),
                     .created_by = entry.created_by,
                     .comment = entry.comment,
                     .size_bytes = 0};
    if (!entry.empty_layer && layer < image.record.chain_ids.size()) {
      const base::Digest& chain = image.record.chain_ids[layer++];
      line.size_bytes = layer_bytes(store, chain);
      const auto ends_here = tops.find(chain);
      if (ends_here != tops.end() && layer < image.record.chain_ids.size())
        line.id = ends_here->second.front().record.config.hex();
    }
    lines.push_back(std::move(line));
  }
  // A config need not tell how its layers came to be.
  for (; layer < image.record.chain_ids.size(); ++layer)
    lines.push_back({.id = {},
                     .created = {},
                     .created_by = {},
                     .comment = {},
                     .size_bytes = layer_bytes(store, image.record.chain_ids[layer])});
  if (!lines.empty()) lines.back().id = image.record.config.hex();
  std::reverse(lines.begin(), lines.end());
  return lines;
}

ImageLayers image_layers(Engine& engine, const std::string& name, bool what_requires) {
  const storage::Store& store = engine.store();
  const storage::NamedImage image = require_image(store, name);
  const std::vector<base::Digest>& chains = image.record.chain_ids;
  const Tops tops = images_by_top(store);
  ImageLayers result{.id = std::string{image.record.config.hex()},
                     .names = image.names,
                     .size_bytes = image.record.size_bytes,
                     .layers = {}};
  if (!what_requires || chains.empty()) {
    for (const base::Digest& chain : chains) result.layers.push_back(make_node(store, tops, chain));
    return result;
  }
  LayerNode root = make_node(store, tops, chains.back());
  for (const auto& [top, images] : tops) {
    const std::vector<base::Digest>& other = images.front().record.chain_ids;
    if (other.size() > chains.size() && std::equal(chains.begin(), chains.end(), other.begin()))
      add_path(store, tops, root, other, chains.size());
  }
  result.layers.push_back(std::move(root));
  return result;
}

}  // namespace engine
