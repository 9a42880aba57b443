#include "engine/container_mount.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/mount.hpp"
#include "base/path_in_root.hpp"
#include "engine/container_rootfs.hpp"
#include "engine/reconcile.hpp"
#include "engine/selection.hpp"
#include "engine/unshare_mounts.hpp"

// A mount lies at container-mounts/<id> in the run folder, in the mount namespace of `engine unshare`.

namespace engine {
namespace {

constexpr const char* folder_name = "container-mounts";

std::string place_of(const storage::Store& store, const std::string& id) {
  return base::concat(store.run_path(), "/", folder_name, "/", id);
}

MountedContainer describe(const storage::Store& store, const storage::ContainerRecord& record) {
  return {.id = record.id, .name = record.name, .path = place_of(store, record.id)};
}

void mount_files(Engine& engine, const storage::ContainerDir& container, const storage::ContainerRecord& record,
                 int place) {
  base::RootfsMount plan = plan_container_rootfs(engine, container, record);
  if (observe(container, engine.host.boot_id).is_running()) show_for_reading(plan);
  ContainerRootfs rootfs = mount_container_rootfs(engine, plan, MountLife::its_own);
  if (rootfs.server) {
    // A server of fuse-overlayfs has found its directories when it answers; they may lie where this will be mounted.
    const base::UniqueFd root = base::open_directory(rootfs.mount.get(), ".");
  }
  base::attach(rootfs.mount.get(), place);
  rootfs.server.detach();
}

}  // namespace

MountedContainer mount_container(Engine& engine, const std::string& name) {
  require_unshare(engine, "mount CONTAINER");
  const storage::ContainerDir container = require_container(engine, name);
  const storage::ContainerRecord record = storage::read_record(container);
  MountedContainer mounted = describe(engine.store(), record);
  if (is_mounted(mounted.path)) return mounted;
  const base::UniqueFd place =
      base::make_directories(engine.store().run(), base::concat(folder_name, "/", record.id), 0700);
  base::with_context([&] { mount_files(engine, container, record, place.get()); }, "mounting container ",
                     base::quoted(name));
  return mounted;
}

std::vector<MountedContainer> mounted_containers(Engine& engine) {
  require_unshare(engine, "mount CONTAINER");
  const storage::Store& store = engine.store();
  std::vector<MountedContainer> result;
  for (const std::string& id : storage::list_container_ids(store)) {
    if (!is_mounted(place_of(store, id))) continue;
    const auto container = storage::open_container(store, id);
    if (container) result.push_back(describe(store, storage::read_record(*container)));
  }
  return result;
}

void unmount_container(Engine& engine, const std::string& name) {
  require_unshare(engine, "unmount CONTAINER");
  const std::string path = place_of(engine.store(), require_container(engine, name).id);
  if (is_mounted(path)) base::unmount(path, UMOUNT_NOFOLLOW | MNT_DETACH);
}

void drop_container_mount(const storage::Store& store, const std::string& id) noexcept {
  try {
    const auto folder = base::try_open_directory(store.run(), folder_name);
    if (!folder || !base::exists(folder->get(), id)) return;
    if (const std::string path = place_of(store, id); is_mounted(path))
      base::unmount(path, UMOUNT_NOFOLLOW | MNT_DETACH);
    if (::unlinkat(folder->get(), id.c_str(), AT_REMOVEDIR) != 0) throw base::os_error("removing the place of a mount");
  } catch (const base::Error& error) {
    base::log(base::LogLevel::debug, error.message());
  }
}

}  // namespace engine
