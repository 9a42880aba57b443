#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/cgroup.hpp"
#include "runtime/cgroup_limits.hpp"
#include "runtime/cgroup_make.hpp"

namespace runtime {

/// Cgroups as folders that we make ourselves, or that systemd made, at one path of every mounted hierarchy.
struct FolderRequest {
  std::string path;  ///< Below the root of each mount, normalised: "/a/b".
  CgroupManager manager = CgroupManager::cgroupfs;
  std::string scope;                  ///< For the record.
  std::string user_runtime_dir = {};  ///< For the record.
  bool is_rootless = false;
  bool may_exist = false;  ///< As systemd's scopes: with processes and limits in it already.
  /// Rules of linux.devices and the like, where linux.resources has no list of its own.
  std::vector<DeviceRule> devices;
  std::string vacated = {};                                             ///< As in CgroupMaking.
  std::optional<uid_t> owner = {};                                      ///< Of the v2 folder; nothing: ours.
  std::function<void(const std::vector<LimitLeftOut>&)> left_out = {};  ///< As in CgroupRequest.
  std::string delegated = {};                                           ///< As in CgroupRequest.
  std::optional<uid_t> delegated_owner = {};
};

/// v2, v1 and hybrid hosts. On a hybrid one the unified folder holds the process, too, and whatever controllers v1 did
/// not take; freezing and killing go through it.
class FolderCgroup final : public Cgroup {
 public:
  /// Makes the missing folders, enables controllers from the top down, and sets the limits; what it made is removed
  /// when it throws. Rootless: one warning names the limits that could not be set.
  /// @throws Error in_use, when the path holds processes or is frozen, unless request.may_exist.
  static std::unique_ptr<FolderCgroup> make(const FolderRequest& request, const Resources& resources,
                                            const Hierarchies& hierarchies = find_hierarchies());
  /// Parts that are gone are left out, and those that are another container's by now.
  static std::unique_ptr<FolderCgroup> open(const CgroupRecord& record);

  const CgroupRecord& record() const override { return record_; }
  int clone_fd() const override;
  void add(pid_t pid) override;
  void enter_delegated() override;
  void set(std::string_view resources_json) override;
  void freeze() override;
  void thaw() override;
  bool is_frozen() const override;
  std::vector<pid_t> processes() const override;
  void kill_all() override;
  CgroupStatistics statistics() const override;
  void remove() override;
  /// Whether another container has one of the paths by now.
  bool is_replaced() const;

 private:
  FolderCgroup() = default;
  void make_folders(const FolderRequest& request, const Hierarchies& hierarchies, CgroupMaking& making);
  int member_folder() const;
  void remember(const std::string& path, int folder);
  base::UniqueFd try_open_own(const std::string& path) const;
  bool is_others(const std::string& path) const;
  std::vector<std::string> paths() const;
  CgroupRecord record_;
  CgroupFolders folders_;
  base::UniqueFd delegated_;  ///< Of a container that has entered one.
  std::string to_delegate_;   ///< Of one that has not yet.
  std::optional<uid_t> delegated_owner_;
  bool is_rootless_ = false;
};

}  // namespace runtime
