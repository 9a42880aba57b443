#include <algorithm>
#include <sys/mount.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/mount.hpp"
#include "base/path_in_root.hpp"
#include "engine/driver.hpp"
#include "engine/image_views.hpp"
#include "engine/images.hpp"
#include "engine/unshare_mounts.hpp"
#include "rootless/id_map.hpp"
#include "runtime/rootfs.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"

// mount_image and its like of image_views.hpp. A mount lies at image-mounts/<manifest hex> in the run folder, in the
// mount namespace of `engine unshare`, and goes with it.

namespace engine {
namespace {

constexpr const char* folder_name = "image-mounts";
constexpr std::size_t max_id_map_bytes = 64 * 1024;

std::string place_of(const storage::Store& store, const base::Digest& manifest) {
  return base::concat(store.run_path(), "/", folder_name, "/", manifest.hex());
}

MountedImage describe(const storage::Store& store, const storage::NamedImage& image) {
  return {.id = std::string{image.record.config.hex()},
          .digest = image.record.manifest.text(),
          .names = image.names,
          .path = place_of(store, image.record.manifest)};
}

std::vector<rootless::IdRange> own_ranges(const char* path) {
  std::vector<rootless::IdRange> ranges;
  const std::string text = base::read_file(AT_FDCWD, path, max_id_map_bytes);
  for (const std::string_view line : base::split(text, '\n')) {
    std::vector<std::uint32_t> numbers;
    for (const std::string_view word : base::split(line, ' '))
      if (const auto number = base::parse_unsigned(word)) numbers.push_back(static_cast<std::uint32_t>(*number));
    if (numbers.size() == 3) ranges.push_back({.inside = numbers[0], .outside = numbers[1], .count = numbers[2]});
  }
  return ranges;
}

/// What layers are called outside of `engine unshare`, where they were unpacked: by the map that we live under.
std::string outer_variant() {
  rootless::IdMap map{.uids = own_ranges("/proc/self/uid_map"), .gids = own_ranges("/proc/self/gid_map")};
  map.single = map.uids.size() == 1 && map.uids.front().count == 1;
  return rootless::variant_of(map);
}

const std::string& variant_for(Engine& engine, const storage::ImageRecord& record, const std::string& outer) {
  const bool is_ours = std::all_of(record.chain_ids.begin(), record.chain_ids.end(), [&](const base::Digest& chain) {
    return storage::has_layer(engine.store(), chain, engine.variant());
  });
  return is_ours ? engine.variant() : outer;
}

/// One layer is its own tree; overlay wants at least two.
base::UniqueFd mount_layers(Engine& engine, const storage::ImageRecord& record) {
  base::RootfsMount plan;
  const std::string outer = outer_variant();
  plan.lowers = storage::open_layer_diffs(engine.store(), record.chain_ids, variant_for(engine, record, outer));
  plan.read_only = true;
  if (plan.lowers.size() > 1) {
    plan.driver = choose_driver(engine);
    if (plan.driver != base::RootfsDriver::overlay)
      throw base::Error(base::ErrorKind::unsupported, "images of several layers can only be mounted with overlay")
          .with_hint("engine info says why there is none");
  }
  return runtime::mount_rootfs_detached(plan);
}

}  // namespace

MountedImage mount_image(Engine& engine, const std::string& name) {
  require_unshare(engine, "image mount IMAGE");
  const storage::Store& store = engine.store();
  const storage::GcHold hold = store.hold_garbage();
  const storage::NamedImage image = require_image(store, name);
  MountedImage mounted = describe(store, image);
  if (is_mounted(mounted.path)) return mounted;
  const base::UniqueFd place =
      base::make_directories(store.run(), base::concat(folder_name, "/", image.record.manifest.hex()), 0700);
  base::with_context([&] { base::attach(mount_layers(engine, image.record).get(), place.get()); }, "mounting image ",
                     base::quoted(name));
  return mounted;
}

std::vector<MountedImage> mounted_images(Engine& engine) {
  require_unshare(engine, "image mount IMAGE");
  const storage::Store& store = engine.store();
  std::vector<MountedImage> result;
  for (const storage::NamedImage& image : storage::list_images(store)) {
    MountedImage mounted = describe(store, image);
    if (is_mounted(mounted.path)) result.push_back(std::move(mounted));
  }
  return result;
}

std::optional<std::string> unmount_image(Engine& engine, const std::string& name) {
  require_unshare(engine, "image unmount IMAGE");
  const storage::Store& store = engine.store();
  const MountedImage image = describe(store, require_image(store, name));
  if (!is_mounted(image.path)) return std::nullopt;
  base::unmount(image.path, UMOUNT_NOFOLLOW | MNT_DETACH);
  return image.id;
}

}  // namespace engine
