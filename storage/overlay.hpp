#pragma once

#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/mount.hpp"
#include "storage/store.hpp"

namespace storage {

std::string_view name_of(base::RootfsDriver driver);
/// "overlay", "fuse-overlayfs", "copy". @throws Error invalid_argument.
base::RootfsDriver parse_driver(std::string_view name);

struct RootfsRequest {
  base::RootfsDriver driver;
  std::vector<base::Digest> chain_ids;  ///< Lowest first.
  std::string variant;
  int container_dir;  ///< upper/ and work/ are made in it (mode of upper: 0755).
  bool read_only = false;
  bool volatile_upper = false;
  std::string folder = {};     ///< Outside the store, in the place of layers; not for copy.
  bool served_lowers = false;  ///< For overlay: `variant` has other owners than the container, and a server translates.
};
/// Opens lowers, upper and work; mounts nothing. A read-only overlay has an upper all the same: the kernel refuses one
/// lower directory alone, and mount points are made in it before the mount becomes read-only. For copy the merged tree
/// and the container's copy must have been made by prepare_copy (inside the user namespace).
base::RootfsMount plan_rootfs(const Store& store, const RootfsRequest& request);

/// Copy driver, called inside the mapped user namespace: makes merged/<chain>-<variant> by hard links from the layers
/// (whiteouts applied), then the container's writable tree `container_dir`/tree by reflink or a real copy; nothing is
/// copied for a read-only container. Returns the bytes really copied.
std::uint64_t prepare_copy(const Store& store, const RootfsRequest& request);

}  // namespace storage
