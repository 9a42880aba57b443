#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "runtime/cgroup_hierarchies.hpp"
#include "runtime/spec.hpp"

namespace runtime {

enum class CgroupManager { cgroupfs, systemd, disabled };

struct CgroupRecord;

/// A field of linux.resources ("memory.limit") that is not in force, and why.
struct LimitLeftOut {
  std::string field, reason;
};

struct CgroupRequest {
  std::string container_id;
  std::string cgroups_path;    ///< linux.cgroupsPath: a path, or "slice:prefix:name" for systemd; empty: our default.
  std::string resources_json;  ///< linux.resources; empty: none.
  /// linux.devices: may be used like the default devices where resources has no list of its own; all others may not.
  std::vector<Device> devices;
  std::optional<uid_t> owner;  ///< Of the v2 folder, from cgroup_owner(); nothing: ours.
  CgroupManager manager = CgroupManager::cgroupfs;
  bool is_rootless = false;  ///< What cannot be made or set is told, not an error.
  /// Told of that, before the first process enters; none: a warning in one line.
  std::function<void(const std::vector<LimitLeftOut>&)> left_out = {};
  bool is_split = false;  ///< cgroupfs: in the cgroup that we are in, whose processes make way.
  /// systemd: the runtime folder (XDG_RUNTIME_DIR) of the user whose manager makes the scope; empty: the system's.
  std::string user_runtime_dir;
  std::vector<std::pair<std::string, std::string>> annotations;  ///< org.systemd.property.*
  std::string subgroup;   ///< systemd: name of the cgroup below the scope in which the container is; empty: the scope.
  std::string delegated;  ///< v2: name of one below the container's, for enter_delegated(); empty: none.
  std::optional<uid_t> delegated_owner;  ///< Nothing: ours.
  /// systemd: told the record once the scope is made, which is when the first process enters it.
  std::function<void(const CgroupRecord&)> scope_made = {};
};

/// Where a container's cgroups are; kept in state files, enough to find them again.
struct CgroupRecord {
  CgroupManager manager = CgroupManager::disabled;
  std::string unified;                                      ///< Absolute path of the v2 folder; empty: none.
  std::vector<std::pair<std::string, std::string>> legacy;  ///< v1: controllers ("cpu,cpuacct") and absolute path.
  std::string scope;                                        ///< systemd unit; empty: none.
  std::string user_runtime_dir;                             ///< As in the request: whose systemd keeps the scope.
  std::string delegated;  ///< Name below `unified`: what the container manages itself, and where processes go.
  /// The folders may not have been made yet: whoever finds them removes those that are empty, and touches no others.
  bool is_planned = false;
  /// By path: tells the folder from one that somebody made there later. The kernel uses no inode number twice.
  std::vector<std::pair<std::string, std::uint64_t>> inodes;

  /// Nothing: any folder at that path is meant.
  std::optional<std::uint64_t> inode_of(std::string_view path) const;
};

/// What will be made for a request, to be recorded before it is: a killed maker leaves nothing that nobody knows of.
struct CgroupPlan {
  CgroupRequest request;
  CgroupRecord record;  ///< With is_planned; that of a scope, or of none, names no folder.
  Hierarchies hierarchies;
  std::string path;     ///< Below each mount.
  std::string vacated;  ///< As in CgroupMaking.
};
/// Looks, and makes nothing. @throws Error invalid_argument for a bad cgroupsPath.
CgroupPlan plan_cgroup(CgroupRequest request);

/// Memory, CPU and so on as one struct; absent where no controller counts it. Bytes, nanoseconds, counts.
struct CgroupStatistics {
  std::optional<std::uint64_t> memory_usage, memory_limit, memory_peak, memory_failures;
  std::optional<std::uint64_t> swap_usage, swap_limit;  ///< Without the memory proper, as version 2 counts.
  std::optional<std::uint64_t> cpu_total, cpu_user, cpu_system, pids_current, pids_limit, oom_kills;
  /// Memory and swap together; version 1 only.
  std::optional<std::uint64_t> both_peak, both_failures;
  /// What the kernel uses for the container, and of that for TCP; version 1 only.
  struct Counter {
    std::optional<std::uint64_t> usage, limit, peak, failures;
  };
  Counter kernel_memory, tcp_memory;
  /// Of cpu.max or cfs_quota: periods that ran, those in which the quota was used up, and how long that was.
  std::optional<std::uint64_t> cpu_periods, cpu_throttled_periods, cpu_throttled;
  /// Of each CPU: all, and those of the kernel and of programs; version 1 only.
  std::vector<std::uint64_t> cpu_usages, cpu_kernel_usages, cpu_user_usages;
  /// Pressure stall information: shares of the time, in per cent, and microseconds in all. Version 2 only.
  struct Pressure {
    struct Line {
      double last_10_seconds = 0, last_minute = 0, last_5_minutes = 0;
      std::uint64_t total_microseconds = 0;
    };
    Line some, full;
  };
  std::optional<Pressure> cpu_pressure, memory_pressure, io_pressure;
  /// The files of a cpuset without their prefix: "cpus", "cpu_exclusive"; version 1 only.
  std::vector<std::pair<std::string, std::string>> cpuset;
  std::vector<std::pair<std::string, std::uint64_t>> memory_stat;
  struct HugePages {
    std::string size;  ///< "2MB"
    std::optional<std::uint64_t> usage, peak;
    std::uint64_t failures = 0;
  };
  std::vector<HugePages> huge_pages;
  struct Io {
    std::uint64_t major, minor, read_bytes, write_bytes, reads, writes;
  };
  std::vector<Io> io;
};

/// The cgroups of one container: v2, v1, hybrid, or none at all. All paths are opened by descriptor from the mounted
/// hierarchies; nothing is assumed to be at /sys/fs/cgroup but by looking at mountinfo.
class Cgroup {
 public:
  /// Makes the cgroups and sets the limits. @throws Error for a bad value always; for a refused one unless rootless.
  static std::unique_ptr<Cgroup> make(const CgroupPlan& plan);
  /// Those of a container that exists; parts that are gone are left out.
  static std::unique_ptr<Cgroup> open(const CgroupRecord& record);
  virtual ~Cgroup() = default;

  virtual const CgroupRecord& record() const = 0;
  /// The v2 folder for CLONE_INTO_CGROUP, or -1. On a hybrid host that is one of several: `add` moves to the others.
  virtual int clone_fd() const = 0;
  /// Moves a process into all of them, where it is not in yet. A container that has divided its cgroup takes processes
  /// only below: it joins the oldest one there. With systemd this is what makes the scope, unless it was made before.
  virtual void add(pid_t pid) = 0;
  /// Moves all processes to the cgroup below that the container manages itself, if the request has one. To be called
  /// once they have their cgroup namespace, whose root is the cgroup above.
  virtual void enter_delegated() {}
  /// Sets limits (`update`). @throws Error as make.
  virtual void set(std::string_view resources_json) = 0;
  /// Freezer: returns when the kernel reports it. @throws Error unsupported when there is none.
  virtual void freeze() = 0;
  virtual void thaw() = 0;
  virtual bool is_frozen() const = 0;
  virtual std::vector<pid_t> processes() const = 0;  ///< Those of sub-cgroups included.
  virtual void kill_all() = 0;                       ///< cgroup.kill, else one by one until none is left.
  virtual CgroupStatistics statistics() const = 0;
  /// Removes them with their sub-cgroups, waiting a little for processes that are ending. Absence is fine.
  virtual void remove() = 0;
};

/// Checks every value of linux.resources. @throws Error corrupt naming the JSON path.
void check_resources(std::string_view resources_json);

}  // namespace runtime
