#pragma once

#include <functional>

#include "base/channel.hpp"
#include "base/process.hpp"
#include "runtime/container.hpp"

namespace runtime {

/// What the parent does when init asks; see CreateRequest.
struct ParentServices {
  std::function<void(pid_t pid, int proc_pid_fd)> write_id_maps;
  std::function<void(pid_t pid)> set_up_network;
  std::function<void(int fuse_fd, pid_t init_pid)> serve_fuse;
  std::function<void(pid_t pid)> enter_cgroup;
  std::function<void(pid_t pid)> run_hooks;  ///< prestart and createRuntime
};

/// The parent's side of runtime/sync.hpp, until init says created. Kills and reaps `child` when anything fails.
CreatedInit converse(base::Child child, const base::Channel& channel, const ParentServices& services);

}  // namespace runtime
