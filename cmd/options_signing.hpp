#pragma once

#include "cmd/option_table.hpp"
#include "engine/signing_options.hpp"

namespace cmd {

/// --sign-by, --sign-by-sigstore-private-key and --sign-passphrase-file; shared by push, manifest push and copy.
void declare_signing_options(OptionTable& table, engine::SigningOptions& options);

}  // namespace cmd
