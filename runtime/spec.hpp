#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace runtime {

// Structs of the OCI runtime-spec (config.md, config-linux.md); read from config.json by parse_spec, written by
// write_spec. Fields not listed are kept out on purpose and refused or ignored as parse_spec documents.

struct IdMapping {
  std::uint32_t container_id = 0;
  std::uint32_t host_id = 0;
  std::uint32_t size = 0;
};

struct Mount {
  std::string destination;
  std::string type;
  std::string source;
  std::vector<std::string> options;
  std::vector<IdMapping> uid_mappings, gid_mappings;  ///< Of an idmapped mount; empty: none.
};

struct Rlimit {
  std::string type;  ///< "RLIMIT_NOFILE"
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

struct Capabilities {
  std::vector<std::string> bounding, effective, inheritable, permitted, ambient;  ///< "CAP_CHOWN"
};

struct User {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::optional<std::uint32_t> umask;
  std::vector<std::uint32_t> additional_gids;
  bool keeps_groups = false;  ///< Those of our caller instead; only from an annotation.
};

struct ConsoleSize {
  unsigned height = 0;
  unsigned width = 0;
};

/// sched_setattr(2).
struct Scheduler {
  std::string policy;  ///< "SCHED_BATCH"
  std::vector<std::string> flags;
  std::int32_t nice = 0;
  std::int32_t priority = 0;
  std::uint64_t runtime = 0, deadline = 0, period = 0;  ///< Nanoseconds.
};

/// ioprio_set(2).
struct IoPriority {
  std::string priority_class;  ///< "IOPRIO_CLASS_BE"
  unsigned priority = 0;
};

/// Of `exec`: CPU lists such as "0-3,7", before and after the move to the container's cgroup; empty: unchanged.
struct CpuAffinity {
  std::string initial, final;
};

struct Process {
  bool terminal = false;
  ConsoleSize console_size;
  User user;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string cwd = "/";
  Capabilities capabilities;
  std::vector<Rlimit> rlimits;
  bool no_new_privileges = false;
  std::string apparmor_profile;
  std::string selinux_label;
  std::optional<int> oom_score_adj;
  std::optional<Scheduler> scheduler;
  std::optional<IoPriority> io_priority;
  std::optional<CpuAffinity> exec_cpu_affinity;
};

struct Namespace {
  std::string type;  ///< "pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"
  std::string path;  ///< To join; empty: a new one.
};

struct Device {
  std::string path;
  char type = 'c';
  std::uint32_t major = 0, minor = 0;
  std::optional<mode_t> file_mode;
  std::uint32_t uid = 0, gid = 0;
};

struct Hook {
  std::string path;
  std::vector<std::string> args, env;
  std::optional<unsigned> timeout_seconds;
  std::string stdout_file, stderr_file;  ///< Appended to; empty: ours. Only from annotations.
};

struct Hooks {
  std::vector<Hook> prestart, create_runtime, create_container, start_container, poststart, poststop;
};

/// One clock of a time namespace.
struct TimeOffset {
  std::string clock;  ///< "monotonic" or "boottime"
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
};

/// set_mempolicy(2).
struct MemoryPolicy {
  std::string mode;   ///< "MPOL_BIND"
  std::string nodes;  ///< "0-1"
  std::vector<std::string> flags;
};

/// linux.intelRdt, checked.
struct IntelRdt {
  std::string class_id;  ///< closID: "/" is the default one; empty: the container's own.
  std::string l3_cache_schema, memory_bandwidth_schema;
  std::vector<std::string> schemata;
  bool enable_monitoring = false;
};

struct Linux {
  std::vector<IdMapping> uid_mappings, gid_mappings;
  std::vector<Namespace> namespaces;
  std::vector<Device> devices;
  std::vector<std::pair<std::string, std::string>> sysctl;
  std::string cgroups_path;
  std::string rootfs_propagation;
  std::vector<std::string> masked_paths, readonly_paths;
  std::string mount_label;
  std::string mount_label_option = "context";  ///< Of mount(8); another only from an annotation.
  std::string seccomp_json;    ///< The "seccomp" object as JSON text; empty: no filter. Read by runtime/seccomp.
  std::string resources_json;  ///< Read by runtime/cgroup_resources; empty: none.
  std::vector<TimeOffset> time_offsets;
  std::optional<std::string> personality;                        ///< "LINUX" or "LINUX32"
  std::vector<std::pair<std::string, std::string>> net_devices;  ///< Of the host, and the name inside.
  std::optional<MemoryPolicy> memory_policy;
  std::optional<IntelRdt> intel_rdt;
  std::string systemd_subgroup, delegated_cgroup;  ///< Only from annotations; see CgroupRequest.
};

struct Spec {
  std::string oci_version = "1.0.2";
  Process process;
  bool has_process = true;
  std::string root_path = "rootfs";  ///< Absolute, or relative to the bundle.
  bool root_readonly = false;
  std::string hostname;
  std::string domainname;
  std::vector<Mount> mounts;
  Hooks hooks;
  std::vector<std::pair<std::string, std::string>> annotations;
  Linux linux;
};

inline constexpr std::size_t max_spec_bytes = 8 * 1024 * 1024;

/// Parses and validates config.json; every problem is one line naming the JSON path. @throws Error corrupt/unsupported.
Spec parse_spec(std::string_view json, std::string what);
/// Compact JSON that parse_spec, crun and runc read.
std::string write_spec(const Spec& spec);
/// As above with four blanks a level, for people; seccomp and resources stay compact.
std::string write_spec_indented(const Spec& spec);
/// What `runtime spec [--rootless]` prints.
Spec example_spec(bool rootless);

bool has_namespace(const Spec& spec, std::string_view type);

}  // namespace runtime
