#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "runtime/spec.hpp"
#include "runtime/stub_plan.hpp"

// What init does for itself before and after it builds the container.

namespace runtime {

struct DescriptorRange {
  unsigned first = 0, last = 0;  ///< Both included.
};
/// All descriptors but these and 0, 1, 2.
std::vector<DescriptorRange> ranges_between(std::vector<int> kept);
/// close_range(2) of everything but these and 0, 1, 2: no lock or log of the engine lives on in a container's process.
void close_all_but(std::vector<int> kept);

/// umask 022, whatever the engine's: mount points and /dev are for all users of the container, and it is what its
/// program starts with.
void set_usual_umask();

/// PR_SET_PDEATHSIG SIGKILL; armed again by the last stage, because the kernel forgets it when ids change.
void die_with_parent();

/// PR_SET_DUMPABLE. A process that is dumpable can be looked into through /proc by others of the same user; only
/// then is its uid_map ours to write and are its namespaces ours to open.
void set_dumpable(bool on);

/// Writes /proc/self/oom_score_adj; for that the process must be dumpable, or root. @throws Error, when the score is
/// below the present one and we are not privileged.
void set_oom_score(int score);

/// Makes /etc/mtab a link to /proc/mounts, for images that have none and programs that read it, as podman does; it
/// belongs to uid and gid of `owner`.
void link_mtab(int root, const User& owner);

/// Makes `process.cwd` below `root` if it is missing, as every runtime does, since images name working directories that
/// they do not contain. A new one belongs to the process's user.
void make_working_directory(int root, const Process& process);

/// chroot(2) into a directory, which becomes the working directory.
void chroot_into(int root);

/// Our permitted capabilities, as bits.
std::uint64_t own_capabilities();
/// Takes out of the plan, with one warning, what is not in `obtainable`.
/// Source: config.md "capabilities": such values are warnings, not errors.
void leave_out_unobtainable(StageCapabilities& capabilities, std::uint64_t obtainable);

/// Whether config.json names a SELinux or AppArmor label for the process.
bool wants_label(const Process& process);
/// Where the security label of the next exec is written, and that label. A process may only label itself, so the last
/// stage opens the file.
struct ExecLabel {
  base::UniqueFd folder;  ///< Of the host's /proc, never the container's own: self/attr when `is_ours`, else its root.
  std::string file;       ///< Below it.
  std::string text;
};
/// @param is_ours  For the calling process; else for one that it clones. @throws Error where the kernel has no labels.
ExecLabel find_exec_label(const Process& process, bool is_ours);

}  // namespace runtime
