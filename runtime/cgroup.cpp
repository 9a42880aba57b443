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

std::unique_ptr<Cgroup> make_folders(const CgroupPlan& plan, const Resources& resources) {
  return FolderCgroup::make({.path = plan.path,
                             .manager = CgroupManager::cgroupfs,
                             .scope = "",
                             .is_rootless = plan.request.is_rootless,
                             .devices = rules_for(plan.request.devices),
                             .vacated = plan.vacated,
                             .owner = plan.request.owner,
                             .left_out = plan.request.left_out,
                             .delegated = plan.request.delegated,
                             .delegated_owner = plan.request.delegated_owner},
                            resources, plan.hierarchies);
}

void plan_folders(CgroupPlan& plan) {
  plan.hierarchies = find_hierarchies();
  const auto& unified = plan.hierarchies.unified;
  // Root's relative paths begin at the mount, so that they mean one place wherever it is called from.
  RootlessPlace place;
  if (plan.request.is_split && unified)
    place = own_place(*unified);
  else if (plan.request.is_rootless && unified)
    place = rootless_place(*unified);
  if (place.is_delegated) plan.vacated = place.base;
  plan.path = choose_cgroup_path(plan.request.cgroups_path, plan.request.container_id, place.base);
  if (unified) plan.record.unified = unified->mount_point + plan.path;
  for (const Hierarchy& legacy : plan.hierarchies.legacy)
    plan.record.legacy.emplace_back(base::join(legacy.controllers, ","), legacy.mount_point + plan.path);
}

}  // namespace

std::optional<std::uint64_t> CgroupRecord::inode_of(std::string_view path) const {
  for (const auto& [known, inode] : inodes)
    if (known == path) return inode;
  return std::nullopt;
}

CgroupPlan plan_cgroup(CgroupRequest request) {
  CgroupPlan plan{.request = std::move(request), .record = {}, .hierarchies = {}, .path = {}, .vacated = {}};
  plan.record.manager = plan.request.manager;
  plan.record.is_planned = plan.request.manager == CgroupManager::cgroupfs;
  if (plan.record.is_planned) plan_folders(plan);
  return plan;
}

std::unique_ptr<Cgroup> Cgroup::make(const CgroupPlan& plan) {
  const Resources resources = parse_resources(plan.request.resources_json);
  switch (plan.request.manager) {
    case CgroupManager::cgroupfs:
      return make_folders(plan, resources);
    case CgroupManager::systemd:
      return make_systemd_cgroup(plan.request);
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
