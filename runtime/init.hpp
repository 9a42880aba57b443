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
/// exec; an Error it throws goes to the parent over `channel` as Sync::failed, and the process ends.
/// @param flags   CLONE_NEW*; the clone starts with all capabilities in a new user namespace.
base::Child start_clone(unsigned flags, const base::Channel& channel, const std::function<void()>& body);

/// For a process that start_clone made and that joined a user or pid namespace: clones our successor, a child of our
/// own parent, which runs `body` once the parent knows of it; then ends. Needed because a joined pid namespace is only
/// for children.
[[noreturn]] void continue_in_successor(unsigned flags, const base::Channel& channel,
                                        const std::function<void()>& body);

/// Everything that init needs, prepared by the parent.
struct InitOrders {
  const CreateRequest* request = nullptr;
  const ContainerPlan* plan = nullptr;
  std::vector<OpenNamespace> joined;
  SeccompFilter seccomp;
  base::UniqueFd stage_executable;
  base::UniqueFd report;  ///< Write end.
  base::Channel channel;  ///< Init's end.
};

/// Clones init and lets it build the container.
base::Child start_init(const InitOrders& orders);

/// The same for a further process of a running container.
struct ExecOrders {
  const ExecRequest* request = nullptr;
  SeccompFilter seccomp;
  base::UniqueFd stage_executable;
  base::UniqueFd report;
  base::Channel channel;
};

base::Child start_exec(const ExecOrders& orders);

}  // namespace runtime
