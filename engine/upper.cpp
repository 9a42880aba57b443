#include "engine/upper.hpp"

#include <array>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/inside.hpp"
#include "engine/late_layers.hpp"
#include "rootless/id_ranges.hpp"
#include "storage/overlay.hpp"

namespace engine {
namespace {

/// Of container_files.hpp.
constexpr std::array<const char*, 4> bound_files = {"hosts", "hostname", "resolv.conf", "containerenv"};

bool is_overlay(const base::RootfsMount& rootfs) {
  return rootfs.driver == base::RootfsDriver::overlay || rootfs.driver == base::RootfsDriver::fuse_overlayfs;
}

}  // namespace

base::UniqueFd make_upper(Engine& engine, const storage::ContainerDir& container,
                          const storage::ContainerRecord& record) {
  const base::RootfsMount mount = storage::plan_rootfs(engine.store(), rootfs_request(engine, container, record));
  return base::open_directory(mount.upper.get(), ".");
}

std::vector<base::UniqueFd> entries_for_root(const Engine& engine, const storage::ContainerDir& container,
                                             const base::RootfsMount& rootfs, const rootless::IdMap& map) {
  std::vector<base::UniqueFd> entries;
  const rootless::HostFacts& host = engine.host;
  const auto root = rootless::map_out(map.uids, 0);
  const auto root_group = rootless::map_out(map.gids, 0);
  const bool has_caller = rootless::map_in(map.uids, host.uid) && rootless::map_in(map.gids, host.gid);
  if (!is_overlay(rootfs) || !root || !root_group || !has_caller) return entries;
  if (*root == host.uid && *root_group == host.gid) return entries;
  struct stat info {};
  if (::fstat(rootfs.upper.get(), &info) != 0) throw base::os_error("looking at the container's upper directory");
  if (info.st_uid != host.uid || info.st_gid != host.gid) return entries;
  const auto add = [&](int folder, const char* path) {
    base::UniqueFd entry{::openat(folder, path, O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    if (entry) entries.push_back(std::move(entry));
  };
  for (const char* name : bound_files) add(container.dir.get(), name);
  for (const char* path : {"etc/passwd", "etc/group", "etc", "."}) add(rootfs.upper.get(), path);
  return entries;
}

void give_upper_to_root(Engine& engine, const storage::ContainerDir& container, const storage::ContainerRecord& record,
                        const ContainerIds& ids) {
  const bool has_upper = record.driver == "overlay" || record.driver == "fuse-overlayfs";
  if (!has_upper || ids.has_caller(engine) || ids.map.single) return;
  make_upper(engine, container, record);
  run_inside(engine, {"give-upper", record.id, base::concat(intermediate_uid(engine, ids.map, 0)),
                      base::concat(intermediate_gid(engine, ids.map, 0))});
}

void give_upper_inside(const storage::ContainerDir& container, std::uint32_t uid, std::uint32_t gid) {
  const auto give = [&](const char* name) {
    if (::fchownat(container.dir.get(), name, uid, gid, AT_SYMLINK_NOFOLLOW) != 0 && errno != ENOENT)
      throw base::os_error("giving the container its ", base::quoted(name));
  };
  for (const char* name : bound_files) give(name);
  for (const char* name : {"work", "upper"}) give(name);
}

}  // namespace engine
