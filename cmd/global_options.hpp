#pragma once

#include <string>
#include <vector>

#include "cmd/option_table.hpp"
#include "engine/config.hpp"

namespace cmd {

/// What stands before the command's name, and is understood behind it as well.
struct GlobalWords {
  engine::GlobalOptions options;
  bool debug = false;
  bool version = false;
  std::string build;  ///< Build id of the `engine` that executed engine-transfer.
};

void declare_global_options(OptionTable& table, GlobalWords& words);

/// Sets the log level and refuses what cannot be meant. @throws Error.
void settle_global_options(GlobalWords& words);

}  // namespace cmd
