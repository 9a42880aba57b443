#pragma once

#include "cmd/invocation.hpp"
#include "cmd/options_run.hpp"

namespace cmd {

/// What containers.conf says of options of `run` and `create` that were not given. Its values are checked as if they
/// had been typed. @throws Error invalid_argument that names the file.
void bind_configured_options(const engine::Config& config, const OptionTable& table, const std::vector<Given>& given,
                             RunWords& words);
void bind_configured_options(Invocation& invocation, RunWords& words);

}  // namespace cmd
