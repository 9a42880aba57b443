#pragma once

#include <string>

#include "cmd/option_table.hpp"
#include "engine/remote.hpp"

namespace cmd {

/// --tls-verify, --authfile, --creds, --cert-dir and --retry, as every command has them that speaks to one registry.
void declare_remote_options(OptionTable& table, engine::RemoteOptions& options);

}  // namespace cmd
