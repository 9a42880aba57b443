#pragma once

#include <functional>
#include <string_view>
#include <sys/types.h>

#include "base/channel.hpp"

namespace engine {

/// Whose child a keeper is: ours, or of whoever adopts orphans, such as systemd.
enum class KeeperParent { us, whoever_adopts };

/// Forks a process that outlives us (ARCHITECTURE.md 8.1) and goes on in `life`: there it starts a child, tells that by
/// tell_success, and turns itself into a monitor. What it logs until then is logged here.
/// @param who   For the error, should it die without a word.
/// @return      Its process, once that has told of its success.
/// @throws Error, which `life` threw before.
pid_t fork_keeper(std::string_view who, KeeperParent parent, const std::function<void(base::Channel& verdict)>& life);

/// For the keeper, last of all: whatever fails before is told.
void tell_success(base::Channel& verdict);

/// For the keeper: becomes the leader of its own session without the caller's terminal, folder and streams; messages go
/// over `verdict` from now on, which must stay where it is.
void leave_caller(base::Channel& verdict);

}  // namespace engine
