#include "engine/mapped_root.hpp"

#include <cerrno>
#include <fcntl.h>

#include "base/error.hpp"
#include "base/mount.hpp"
#include "engine/id_map_words.hpp"
#include "runtime/mounts_idmap.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::uint64_t private_propagation = 1u << 18;  // MS_PRIVATE

runtime::Mount mappings_of(const storage::ContainerRecord& record, const rootless::IdMap& container) {
  runtime::Mount mount;
  MountIdMap map = parse_mount_id_map(record.rootfs_id_map);
  if (map.uids.ranges.empty()) map = {{container.uids, false}, {container.gids, false}};
  apply_id_map(map, container, mount);
  return mount;
}

base::Error explained(base::Error error) {
  if (error.code() == EPERM)
    return std::move(error).with_hint(
        "only root of the user namespace that a file system was mounted in may have its ids mapped; without root, "
        "change the owners of the files instead: engine unshare chown -R");
  if (error.code() == EINVAL)
    return std::move(error).with_hint("this file system cannot be idmapped, or the folder is in an idmapped mount");
  return error;
}

}  // namespace

std::string take_id_map_option(std::string& folder) {
  const std::size_t colon = folder.rfind(':');
  if (colon == std::string::npos) return {};
  std::string option = folder.substr(colon + 1);
  if (option != "idmap" && !option.starts_with("idmap=")) return {};
  folder.resize(colon);
  return option;
}

rootless::IdMap mapped_ids(const storage::ContainerRecord& record, const rootless::IdMap& container) {
  const runtime::Mount mount = mappings_of(record, container);
  rootless::IdMap ids;
  for (const runtime::IdMapping& one : mount.uid_mappings)
    ids.uids.push_back({one.container_id, one.host_id, one.size});
  for (const runtime::IdMapping& one : mount.gid_mappings)
    ids.gids.push_back({one.container_id, one.host_id, one.size});
  return ids;
}

base::UniqueFd map_root(const storage::ContainerRecord& record, const rootless::IdMap& container) {
  if (record.rootfs_id_map.empty()) return {};
  if (!base::has_mount_setattr() || !base::has_open_tree())
    throw make_error(ErrorKind::unsupported, "--rootfs ", quoted(record.rootfs), " cannot be idmapped")
        .with_hint("idmapped mounts need Linux 5.12");
  try {
    return base::with_context(
        [&] {
          const runtime::Mount mount = mappings_of(record, container);
          base::UniqueFd tree = base::clone_tree(AT_FDCWD, record.rootfs, true);
          const base::UniqueFd user = runtime::make_user_namespace(mount.uid_mappings, mount.gid_mappings);
          base::map_ids(tree.get(), user.get(), false);
          base::set_propagation(tree.get(), private_propagation, true);
          return tree;
        },
        "mapping the ids of --rootfs ", quoted(record.rootfs));
  } catch (base::Error& error) {
    throw explained(std::move(error));
  }
}

void refuse_mapped_root(const storage::ContainerRecord& record) {
  if (record.rootfs_id_map.empty()) return;
  throw make_error(ErrorKind::unsupported, "container ", quoted(record.name), ": the ids of its root file system are ",
                   "mapped for its processes only")
      .with_hint(base::concat("while it runs: engine exec, engine cp; the files are in ", record.rootfs));
}

}  // namespace engine
