#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/context.hpp"
#include "engine/run_options.hpp"
#include "runtime/spec.hpp"
#include "storage/containers.hpp"

namespace engine {

struct JoinedNamespaces;

/// What surrounds a container's process besides its files and its image: looked up, for make_spec.
struct Surroundings {
  std::map<std::string, std::string> joined;  ///< Namespace to path; engine/joined_namespaces.hpp
  std::vector<runtime::Mount> mounts;         ///< Time zone, secrets, what CDI asks for.
  std::uint32_t umask = 0022;
  std::optional<int> oom_score_adj;
  bool is_systemd = false;
};

/// What stop sends to a systemd. Source: podman-run(1) "--systemd".
int systemd_stop_signal();

/// What is wrong with the words alone, before anything is made. @throws Error.
void check_surroundings(const RunOptions& options);

/// @throws Error invalid_argument, not_found: a time zone that this host does not know.
Surroundings surroundings_of(const RunOptions& options, const storage::ContainerRecord& record,
                             const JoinedNamespaces& joined);

}  // namespace engine
