#pragma once

#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "runtime/spec.hpp"

namespace runtime {

/// What hooks read on standard input but for pid and status, which change (runtime.md "State").
struct HookContainer {
  std::string oci_version;
  std::string id;
  std::string bundle;
  std::vector<std::pair<std::string, std::string>> annotations;
};

/// The state of a container as one JSON object. @param status   "creating", "created", "running" or "stopped".
std::string hook_state(const HookContainer& container, pid_t pid, std::string_view status);

/// Runs `hooks` in order in the caller's namespaces, each with `state` on standard input, standard output and error
/// as ours unless it has files for them, exactly its own environment, for at most its timeout; then it is killed.
/// @throws Error naming hook point, path and how it ended; the later ones do not run then. Source: runtime.md
/// "Lifecycle" 3 to 9: the caller destroys the container, also when it was a poststart hook.
void run_hooks(const std::vector<Hook>& hooks, std::string_view point, std::string_view state);
/// As above for poststop, where a failure is only a warning and the later ones do run (runtime.md "Lifecycle" 13).
void run_hooks_leniently(const std::vector<Hook>& hooks, std::string_view point, std::string_view state) noexcept;

}  // namespace runtime
