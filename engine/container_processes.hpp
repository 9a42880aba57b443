#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace engine {

/// What /proc tells of one process of a container. Ids of users and groups are the host's.
struct ProcessFacts {
  pid_t host_pid = 0, host_parent = 0;
  pid_t pid = 0, group = 0;  ///< As the container sees them.
  pid_t parent = 0;          ///< The same; 0 when it is outside.
  char state = '?';
  std::string name;                    ///< At most 15 bytes of its program's name.
  std::vector<std::string> arguments;  ///< Empty for kernel threads and zombies.
  unsigned terminal = 0;               ///< Device number as in stat; 0: none.
  std::uint64_t user_ticks = 0, system_ticks = 0;
  std::uint64_t start_ticks = 0;  ///< Since boot.
  int nice = 0;
  std::uint64_t virtual_kib = 0, resident_kib = 0;
  std::uint32_t real_uid = 0, effective_uid = 0, real_gid = 0, effective_gid = 0;
  std::vector<std::uint32_t> groups;
  std::uint64_t inheritable = 0, permitted = 0, effective = 0, bounding = 0, ambient = 0;  ///< Capability bits.
  unsigned seccomp_mode = 0;
  std::string label;  ///< Of AppArmor or SELinux; empty: none.
};

/// All processes in the pid namespace of `init`; where that is ours, `init` and what descends from it. Sorted by pid as
/// the container sees it. Those that end meanwhile are left out. Source: proc(5).
std::vector<ProcessFacts> container_processes(pid_t init);

/// Pure. "/proc/PID/stat" and "status" of one process; nothing when they are not what proc(5) says.
std::optional<ProcessFacts> parse_process_facts(const std::string& stat, const std::string& status);

/// Pure. What id `host_id` is inside, by the text of a uid_map read from here; nothing when it is not mapped.
std::optional<std::uint32_t> id_inside(const std::string& id_map, std::uint32_t host_id);

}  // namespace engine
