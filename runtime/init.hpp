#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/channel.hpp"
#include "base/fd.hpp"
#include "base/process.hpp"
#include "runtime/container.hpp"
#include "runtime/namespaces.hpp"
#include "runtime/plan.hpp"
#include "runtime/seccomp.hpp"

namespace runtime {

/// Runs `body` in a clone of this process, which may use all of C++, since we are single-threaded. `body` ends in an
/// exec; an Error it throws goes to the parent over `channel` as Sync::failed, and the process ends. The clone closes
/// its copy of `parents_end` first: it must see end of file when the parent is killed.
/// @param flags   CLONE_NEW*; the clone starts with all capabilities in a new user namespace.
/// @param user_namespace  -1, or one that exists, in which it starts in the place of a new one, as capable.
/// @param cgroup  Where it shall be born, if the kernel agrees; nullptr: where we are. Else it asks the parent to move
///                it, with Sync::cgroup_please, after `before_move` and before `body`.
base::Child start_clone(unsigned flags, const Cgroup* cgroup, const base::Channel& channel, base::Channel& parents_end,
                        const std::function<void()>& body, const std::function<void()>& before_move = {},
                        int user_namespace = -1);

/// For a clone that was not born in all its cgroups: has the parent move it. @throws Error when it could not.
void ask_for_cgroup(const base::Channel& channel);

/// For a process that start_clone made: clones our successor, a child of our own parent, which runs `body`, given its
/// pid as the parent sees it, once the parent knows of it; then ends. Needed because joined pid namespaces and new time
/// namespaces are only for children.
[[noreturn]] void continue_in_successor(unsigned flags, const base::Channel& channel,
                                        const std::function<void(pid_t outer_pid)>& body);

/// What a clone does from its first moment: `body`, which ends in an exec. What it throws is sent to the parent.
[[noreturn]] void run_clone(const base::Channel& channel, const std::function<void()>& body) noexcept;

/// Everything that init needs, prepared by the parent.
struct InitOrders {
  const CreateRequest* request = nullptr;
  const ContainerPlan* plan = nullptr;
  std::vector<OpenNamespace> joined;
  std::vector<base::UniqueFd> mapped_sources;  ///< See map_bind_sources.
  SeccompFilter seccomp;
  base::UniqueFd stage_executable;
  base::UniqueFd report;         ///< Write end.
  base::UniqueFd seccomp_agent;  ///< Connected; empty: the filter notifies nobody.
  base::Channel channel;         ///< Init's end.
  base::Channel* parents_end = nullptr;
};

/// Clones init and lets it build the container.
base::Child start_init(const InitOrders& orders);

/// The same for a further process of a running container, up to where it has joined its namespaces.
CreatedInit start_exec(const ExecRequest& request);

/// Whether the process is gone, or a zombie, within this time.
bool has_ended(int pidfd, int patience_milliseconds);

/// Blocks until the last stage has cloned its successor in the container. @return the successor's pid. @throws Error as
/// wait_for_exec, when the stage failed before.
pid_t wait_for_join(const CreatedInit& started);

}  // namespace runtime
