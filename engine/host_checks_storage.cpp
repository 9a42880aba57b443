// Where images and containers lie, and how root file systems are put together.
#include <sys/stat.h>

#include "base/text.hpp"
#include "engine/host_checks.hpp"

namespace engine {
namespace {

using base::concat;

constexpr std::uint64_t little_bytes = 1ULL << 30;
constexpr unsigned little_percent = 3;

CheckResult rootfs_driver(const HostView& host) {
  const auto [driver, reason] = host.driver();
  if (driver == "overlay") return {.evidence = "native overlay works"};
  if (driver == "fuse-overlayfs")
    return {.status = CheckStatus::note,
            .evidence = concat("fuse-overlayfs is used: ", reason),
            .consequence = "files of containers are reached more slowly",
            .remedy = "a file system with user xattrs for --root, on Linux 5.11 or newer, has native overlay"};
  if (host.is_only_chroot())
    return {.status = CheckStatus::note,
            .evidence = concat("root file systems are copied: ", reason),
            .consequence = "containers are only a chroot, which is no isolation: engine-modes(7)",
            .remedy =
                "inside another container, start that with --privileged, or with user namespaces: "
                "--security-opt seccomp=unconfined"};
  return {.status = CheckStatus::warning,
          .evidence = concat("root file systems are copied: ", reason),
          .consequence = "a container's start takes as long as copying its image, unless the file system has reflinks",
          .remedy = "sudo apt-get install fuse-overlayfs   # Fedora: dnf install fuse-overlayfs",
          .script = "apt-get install fuse-overlayfs",
          .needs_root = true};
}

CheckResult dev_fuse(const HostView& host) {
  const std::string problem = host.probes.open_fuse();
  if (problem.empty()) return {.evidence = "/dev/fuse can be opened"};
  return {.status = CheckStatus::note,
          .evidence = problem,
          .consequence = "where native overlay does not work, root file systems are copied",
          .remedy = "sudo modprobe fuse && sudo chmod 666 /dev/fuse; in a container: --device /dev/fuse",
          .script = "modprobe fuse\nchmod 666 /dev/fuse",
          .needs_root = true};
}

CheckResult store_place(const HostView& host) {
  const std::vector<std::string> lines = host.store_place();
  if (lines.empty()) return {.evidence = concat(host.store, " lies on a file system that can do all we need")};
  return {.status = CheckStatus::warning,
          .evidence = base::join(lines, "; "),
          .consequence = "the engine works, but less well or more slowly",
          .remedy = "choose a folder on a local file system with --root"};
}

CheckResult store_owner(const HostView& host) {
  const auto file = host.look(host.store);
  if (!file) return {.evidence = concat(host.store, " is made when it is needed")};
  if (file->uid != host.uid)
    return {.status = CheckStatus::problem,
            .evidence = concat(host.store, " belongs to user ", file->uid),
            .consequence = "no command can use it, as happens after one run with sudo and the user's HOME",
            .remedy = concat("sudo mv ", host.store, " ", host.store, ".old"),
            .script = concat("mv ", host.store, " ", host.store, ".old"),
            .needs_root = true};
  if ((file->mode & (S_IWGRP | S_IWOTH)) != 0)
    return {.status = CheckStatus::problem,
            .evidence = concat("others can write to ", host.store),
            .consequence = "no command uses it",
            .remedy = concat("chmod go-w ", host.store),
            .script = concat("chmod go-w ", host.store)};
  return {.evidence = concat(host.store, " is ours alone")};
}

bool is_little(std::uint64_t free, std::uint64_t all) {
  return free * 100 < all * little_percent;
}

CheckResult disk_space(const HostView& host) {
  const auto space = host.space(host.store);
  if (!space)
    return {.status = CheckStatus::note, .evidence = concat("the file system of ", host.store, " cannot be asked")};
  if (space->free_bytes < little_bytes || is_little(space->free_bytes, space->all_bytes))
    return {.status = CheckStatus::warning,
            .evidence = concat("only ", base::human_size(space->free_bytes), " are free for ", host.store),
            .consequence = "a pull may have no room",
            .remedy = "engine system df -v, then engine system prune --all"};
  return {.evidence = concat(base::human_size(space->free_bytes), " are free")};
}

CheckResult inodes(const HostView& host) {
  const auto space = host.space(host.store);
  if (!space || space->all_inodes == 0 || !is_little(space->free_inodes, space->all_inodes))
    return {.evidence = "there are enough inodes"};
  return {.status = CheckStatus::warning,
          .evidence = concat("only ", space->free_inodes, " inodes are free for ", host.store),
          .consequence = "a pull may fail with \"No space left on device\" although there is room",
          .remedy = "engine system prune --all"};
}

CheckResult podman_store(const HostView& host) {
  if (!host.look(host.store + "/overlay-layers") && !host.look(host.store + "/vfs-layers"))
    return {.evidence = "no other engine keeps its images here"};
  return {.status = CheckStatus::problem,
          .evidence = concat(host.store, " holds a store of podman or buildah"),
          .consequence = "no command uses it: two engines cannot share one store",
          .remedy = "leave --root out, or name a new folder"};
}

}  // namespace

const std::vector<HostCheck>& storage_checks() {
  static const std::vector<HostCheck> checks{
      {"rootfs-driver", "root file systems", rootfs_driver},
      {"dev-fuse", "/dev/fuse", dev_fuse},
      {"store-place", "the store's file system", store_place},
      {"store-owner", "the store's owner", store_owner},
      {"store-foreign", "other engines", podman_store},
      {"disk-space", "room on the disk", disk_space},
      {"disk-inodes", "inodes", inodes},
  };
  return checks;
}

}  // namespace engine
