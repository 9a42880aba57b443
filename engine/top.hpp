#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"

namespace engine {

struct TopOptions {
  std::string container;
  std::vector<std::string> descriptors;  ///< "pid", "huser", …, also several with commas; empty: podman's usual eight.
};

struct TopTable {
  std::vector<std::string> headings;
  std::vector<std::vector<std::string>> rows;
};

/// The processes of a running container, from the host's /proc: the image needs no ps. Source: podman-top(1).
/// @throws Error in_use when it does not run; invalid_argument for a descriptor that is none.
TopTable top(Engine& engine, const TopOptions& options);

/// Whether these are words for ps(1), such as "aux" or "-o pid": one that is no descriptor makes them so.
bool are_for_ps(const std::vector<std::string>& descriptors);

/// All descriptors, in the order of the manual.
std::vector<std::string> top_descriptors();

}  // namespace engine
