#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mount.hpp"
#include "engine/context.hpp"

namespace engine {

/// How root file systems are put together, and why so, for `info`.
struct DriverChoice {
  base::RootfsDriver driver = base::RootfsDriver::overlay;
  std::string reason;
};

/// Forced by --storage-driver and its like; else what was found out since boot for the file system of this store
/// (`rootfs-driver` in the run folder); else tried now: native overlay, fuse-overlayfs, copy.
DriverChoice find_driver(Engine& engine);
inline base::RootfsDriver choose_driver(Engine& engine) {
  return find_driver(engine).driver;
}

/// Whether native overlay can have lower layers that fuse-overlayfs shows; found out once since boot, as above
/// (`served-lowers`).
bool can_serve_lowers(Engine& engine);

/// What a remembered choice is true for.
struct DriverCircumstances {
  std::string boot_id;
  std::uint64_t store_device = 0;
  std::string fuse_overlayfs;  ///< Path of the program, empty: none. It may be installed later.
  bool operator==(const DriverCircumstances&) const = default;
};
std::string driver_record_text(const DriverChoice& choice, const DriverCircumstances& circumstances);
/// Nothing when it was found out under other circumstances, or cannot be read.
std::optional<DriverChoice> parse_driver_record(std::string_view text, const DriverCircumstances& circumstances);

/// In the place of a driver, for `probe`.
constexpr const char* served_overlay = "served-overlay";

/// `engine _inside probe DRIVER FOLDER [FUSE-OVERLAYFS]`: enters a user and mount namespace of its own, mounts a small
/// root file system below the empty folder, and uses it as a container would. Answers "+" or the failure over the
/// channel. Returns the exit code.
int probe_inside(const std::vector<std::string>& words);

}  // namespace engine
