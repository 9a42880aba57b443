#include "cmd/options_hpc.hpp"

#include <filesystem>

#include "engine/external_runtime.hpp"
#include "engine/hpc.hpp"

namespace cmd {

void declare_hpc_option(OptionTable& table, bool& is_hpc) {
  table.flag("hpc", 0, is_hpc,
             "As a batch job wants it: your own id, home, working directory, /tmp, environment and network");
}

void settle_hpc_option(bool is_hpc, const engine::Engine& engine, engine::RunOptions& options) {
  if (is_hpc)
    engine::apply_hpc_profile(options, engine.host, std::filesystem::current_path().string(),
                              engine::needs_root_inside(engine::program_name(engine.config.runtime)));
}

}  // namespace cmd
