#include "runtime/cgroup.hpp"

#include "base/error.hpp"
#include "runtime/cgroup_devices.hpp"
#include "runtime/cgroup_folders.hpp"
#include "runtime/cgroup_systemd.hpp"

namespace runtime {
namespace {

/// Without cgroups there is nothing to limit or count; what a container is told here is forgotten.
class NoCgroup final : public Cgroup {
 public:
  const CgroupRecord& record() const override { return record_; }
  int clone_fd() const override { return -1; }
  void add(pid_t) override {}
  void set(std::string_view) override { throw refusal("limits"); }
  void freeze() override { throw refusal("freezing"); }
  void thaw() override { throw refusal("freezing"); }
  bool is_frozen() const override { return false; }
  std::vector<pid_t> processes() const override { return {}; }
  void kill_all() override {}
  CgroupStatistics statistics() const override { return {}; }
  void remove() override {}

 private:
  static base::Error refusal(const char* what) {
    return base::make_error(base::ErrorKind::unsupported, "the container was made without cgroups, and ", what,
                            " needs one")
        .with_hint("leave out --cgroup-manager=disabled when it is made");
  }
  CgroupRecord record_;
};

std::unique_ptr<Cgroup> make_folders(const CgroupRequest& request, const Resources& resources) {
  const Hierarchies hierarchies = find_hierarchies();
  // Root's relative paths begin at the mount, so that they mean one place wherever it is called from.
  RootlessPlace place;
  if (request.is_rootless && hierarchies.unified) place = rootless_place(*hierarchies.unified);
  const std::string path = choose_cgroup_path(request.cgroups_path, request.container_id, place.base);
  return FolderCgroup::make({.path = path,
                             .manager = CgroupManager::cgroupfs,
                             .scope = "",
                             .is_rootless = request.is_rootless,
                             .devices = rules_for(request.devices),
                             .vacated = place.is_delegated ? place.base : "",
                             .owner = request.owner},
                            resources, hierarchies);
}

}  // namespace

std::optional<std::uint64_t> CgroupRecord::inode_of(std::string_view path) const {
  for (const auto& [known, inode] : inodes)
    if (known == path) return inode;
  return std::nullopt;
}

std::unique_ptr<Cgroup> Cgroup::make(const CgroupRequest& request) {
  const Resources resources = parse_resources(request.resources_json);
  switch (request.manager) {
    case CgroupManager::cgroupfs:
      return make_folders(request, resources);
    case CgroupManager::systemd:
      return make_systemd_cgroup(request);
    case CgroupManager::disabled:
      break;
  }
  return std::make_unique<NoCgroup>();
}

std::unique_ptr<Cgroup> Cgroup::open(const CgroupRecord& record) {
  switch (record.manager) {
    case CgroupManager::cgroupfs:
      return FolderCgroup::open(record);
    case CgroupManager::systemd:
      return open_systemd_cgroup(record);
    case CgroupManager::disabled:
      break;
  }
  return std::make_unique<NoCgroup>();
}

}  // namespace runtime
