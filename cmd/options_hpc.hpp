#pragma once

#include "cmd/option_table.hpp"
#include "engine/context.hpp"
#include "engine/run_options.hpp"

namespace cmd {

/// `--hpc` of run and create.
void declare_hpc_option(OptionTable& table, bool& is_hpc);
/// Fills in what the profile says of `options`, if it was asked for.
void settle_hpc_option(bool is_hpc, const engine::Engine& engine, engine::RunOptions& options);

}  // namespace cmd
