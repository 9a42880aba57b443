#include "engine/container_rootfs.hpp"

#include <fcntl.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/fuse_overlayfs.hpp"
#include "engine/mapped_root.hpp"
#include "runtime/kernel.hpp"
#include "runtime/rootfs.hpp"
#include "storage/overlay.hpp"

namespace engine {

base::RootfsMount plan_container_rootfs(Engine& engine, const storage::ContainerDir& container,
                                        const storage::ContainerRecord& record) {
  base::RootfsMount plan;
  if (record.has_plain_root()) {
    refuse_mapped_root(record);
    plan.lowers.emplace_back(::open(record.rootfs.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!plan.lowers.front()) throw base::os_error("opening ", base::quoted(record.rootfs));
    return plan;
  }
  storage::RootfsRequest request{.driver = storage::parse_driver(record.driver),
                                 .chain_ids = {},
                                 .variant = record.variant,
                                 .container_dir = container.dir.get(),
                                 .folder = record.rootfs};
  for (const std::string& chain : record.chain_ids) request.chain_ids.push_back(base::Digest::parse(chain));
  return storage::plan_rootfs(engine.store(), request);
}

void show_for_reading(base::RootfsMount& plan) {
  if (!plan.upper) return;
  plan.lowers.insert(plan.lowers.begin(), std::move(plan.upper));
  plan.work.reset();
  plan.read_only = true;
}

ContainerRootfs mount_container_rootfs(const Engine& engine, const base::RootfsMount& plan, MountLife life) {
  ContainerRootfs rootfs;
  // In a chroot nothing can be mounted, and there the tree is what a mount would show.
  if (engine.host.may_only_chroot && plan.driver == base::RootfsDriver::copy) {
    rootfs.mount = base::open_directory(plan.lowers.at(0).get(), ".");
    return rootfs;
  }
  rootfs.mount = runtime::mount_rootfs(runtime::reopen_rootfs(plan), runtime::running_kernel_features(), [&](int fuse) {
    rootfs.server = life == MountLife::ours ? serve_fuse_overlayfs_here(engine, plan, fuse)
                                            : serve_fuse_overlayfs_beside(engine, plan, fuse);
  });
  return rootfs;
}

}  // namespace engine
