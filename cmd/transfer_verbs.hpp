#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"
#include "engine/repair_image.hpp"
#include "engine/verbs.hpp"

namespace cmd {

/// The verbs that only engine-transfer links.
struct TransferVerbs {
  std::vector<std::string> (*pull)(engine::Engine& engine, const engine::PullOptions& options);
  int (*repair_image)(engine::Engine& engine, const engine::RepairImageOptions& options);
  int (*unpack_child)(engine::Engine& engine);
};

}  // namespace cmd
