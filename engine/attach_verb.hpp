#pragma once

#include <optional>
#include <string>

#include "engine/context.hpp"

namespace engine {

struct AttachToOptions {
  std::string container;
  bool with_stdin = true;
  bool sig_proxy = true;
  std::optional<std::string> detach_keys;  ///< Nothing: those that the container was made with.
};

/// Joins a running container's terminal or streams, beside others that did. Its exit code; 0 when the user detached.
/// @throws Error in_use when it does not run, or nobody watches it. Source: podman-attach(1).
int attach_to(Engine& engine, const AttachToOptions& options);

}  // namespace engine
