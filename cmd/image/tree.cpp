#include <memory>

#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "engine/image_views.hpp"

namespace cmd {
namespace {

struct TreeWords {
  std::string image;
  std::string format;
  bool what_requires = false;
};

std::string node_text(const engine::LayerNode& node) {
  return base::concat("ID: ", shown_id(node.id, false), " Size: ", base::human_size(node.size_bytes),
                      node.top_of.empty() ? "" : base::concat(" Top Layer of: [", base::join(node.top_of, " "), "]"));
}

void add_lines(std::string& text, const std::vector<engine::LayerNode>& nodes, const std::string& before) {
  for (std::size_t index = 0; index < nodes.size(); ++index) {
    const bool is_last = index + 1 == nodes.size();
    text += base::concat(before, is_last ? "└── " : "├── ", node_text(nodes[index]), "\n");
    add_lines(text, nodes[index].children, before + (is_last ? "    " : "│   "));
  }
}

std::string tree_text(const engine::ImageLayers& image) {
  std::string text =
      base::concat("Image ID: ", shown_id(image.id, false), "\nTags:     [", base::join(image.names, " "),
                   "]\nSize:     ", base::human_size(image.size_bytes), "\n");
  if (image.layers.empty()) return text + "No Image Layers\n";
  text += "Image Layers\n";
  add_lines(text, image.layers, "");
  return text;
}

void write_nodes(base::JsonWriter& json, std::string_view key, const std::vector<engine::LayerNode>& nodes) {
  json.key(key).begin_array();
  for (const engine::LayerNode& node : nodes) {
    json.begin_object().member("Id", node.id).member("Size", node.size_bytes).member("TopLayerOf", node.top_of);
    if (!node.children.empty()) write_nodes(json, "Children", node.children);
    json.end_object();
  }
  json.end_array();
}

std::string json_text(const engine::ImageLayers& image) {
  base::JsonWriter json{4};
  json.begin_object().member("Id", image.id).member("Tags", image.names).member("Size", image.size_bytes);
  write_nodes(json, "Layers", image.layers);
  json.end_object();
  return json.take();
}

}  // namespace

Action declare_image_tree(OptionTable& table) {
  const auto words = std::make_shared<TreeWords>();
  table.text("format", 0, "FORMAT", words->format, "json for scripts");
  table.flag("whatrequires", 0, words->what_requires, "Show all layers that lie upon this image");
  table.word("IMAGE", words->image, "Name or id").completes = Completes::images;
  return [words](Invocation& invocation) {
    const Format format = parse_format(words->format);
    const engine::ImageLayers image = engine::image_layers(invocation.engine(), words->image, words->what_requires);
    print(format == Format::people ? tree_text(image) : json_text(image) + "\n");
    return 0;
  };
}

}  // namespace cmd
