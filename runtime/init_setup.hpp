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

/// Makes `process.cwd` below `root` if it is missing, as every runtime does, since images name working directories that
/// they do not contain. A new one belongs to the process's user.
void make_working_directory(int root, const Process& process);

/// chroot(2) into a directory, which becomes the working directory.
void chroot_into(int root);

/// Takes out of the plan, with one warning, what a process cannot be given because we do not have it ourselves.
/// Source: config.md "capabilities": such values are warnings, not errors.
void leave_out_unobtainable(StageCapabilities& capabilities);

/// Makes those of the three standard streams that are pipes belong to `uid`, so that a program of that user can open
/// /dev/stdout. Terminals, files and sockets of the caller stay as they are.
void give_pipes_to(std::uint32_t uid, const std::vector<int>& streams);

/// Whether config.json names a SELinux or AppArmor label for the process.
bool wants_label(const Process& process);
/// /proc/self/attr/… to write the security label of the next exec to, and that label.
struct ExecLabel {
  base::UniqueFd fd;
  std::string text;
};
/// @param proc   A descriptor of the host's /proc, never the container's own. A process may only label itself, so it is
///               opened by the very process that executes the last stage.
ExecLabel open_exec_label(const Process& process, int proc);
/// O_PATH descriptor of /proc, verified to be a procfs.
base::UniqueFd open_host_proc();

}  // namespace runtime
