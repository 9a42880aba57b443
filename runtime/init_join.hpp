#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/channel.hpp"
#include "base/process.hpp"

namespace runtime {

/// Where a successor is to be born.
struct JoinOrders {
  int target = -1;          ///< Pidfd of a process whose namespaces are joined.
  unsigned namespaces = 0;  ///< CLONE_NEW*. No time namespace: whoever joins one must share its memory with nobody.
  int cgroup = -1;          ///< Its folder; -1: ours.
  std::vector<int> kept;    ///< Descriptors that stay open, besides 0, 1 and 2.
};

/// What start_clone and continue_in_successor do together, in less time: the clone between us and the successor works
/// on our memory while we stand still, as after vfork(2), so that nothing is copied for it, and what it has to say it
/// leaves there. The successor, which has a copy, runs `body` with umask 022; its pid is known to us only afterwards.
/// @return  Nothing, when this machine has no such clone; nothing was done then. @throws Error of joining or cloning.
std::optional<base::Child> try_start_inside(const JoinOrders& orders, const base::Channel& channel,
                                            const std::function<void()>& body);

}  // namespace runtime
