#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "engine/context.hpp"

// The verbs that show what an image is made of: history, image tree, image diff, image mount and unmount.

namespace engine {

struct HistoryLine {
  std::string id;  ///< 64 hex of the image that ends here; empty: no image of the store does.
  std::optional<base::Time> created;
  std::string created_by;
  std::string comment;
  std::uint64_t size_bytes = 0;  ///< Sum of the sizes of the layer's files.
};
/// The steps that an image was made in, the last first.
std::vector<HistoryLine> image_history(Engine& engine, const std::string& image);

struct LayerNode {
  std::string id;  ///< Chain id, 64 hex.
  std::uint64_t size_bytes = 0;
  std::vector<std::string> top_of;  ///< Names of images that end with this layer; its id for one without a name.
  std::vector<LayerNode> children;  ///< Layers that lie upon it.
};
struct ImageLayers {
  std::string id;  ///< 64 hex
  std::vector<std::string> names;
  std::uint64_t size_bytes = 0;
  std::vector<LayerNode> layers;  ///< The image's own, the lowest first; or, with what requires it, one tree.
};
/// @param what_requires  Also all that was built upon it.
ImageLayers image_layers(Engine& engine, const std::string& image, bool what_requires);

struct ImageChange {
  enum class Kind : char { added = 'A', changed = 'C', deleted = 'D' };
  Kind kind;
  std::string path;  ///< Absolute.
};
/// What `image` has that `other` has not, in order of the paths; `other` empty: what lies below its topmost layer.
/// From the records of what was unpacked, so that no file is read.
std::vector<ImageChange> image_diff(Engine& engine, const std::string& image, const std::string& other);

struct MountedImage {
  std::string id;  ///< 64 hex
  std::string digest;
  std::vector<std::string> names;
  std::string path;
};
/// Mounts the files of an image, for reading, in the caller's mount namespace; once more gives the same place.
/// @throws Error unsupported, outside of `engine unshare`.
MountedImage mount_image(Engine& engine, const std::string& image);
/// What mount_image mounted in this mount namespace.
std::vector<MountedImage> mounted_images(Engine& engine);
/// Returns the id; nothing, when it was not mounted.
std::optional<std::string> unmount_image(Engine& engine, const std::string& image);

}  // namespace engine
