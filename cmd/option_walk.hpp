#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cmd/option_table.hpp"

namespace cmd {

/// One option as it stood on the command line.
struct Given {
  const Option* option;
  std::string value;  ///< "true" or "false" for flags.
};

/// argv, split by the rules of pflag, which podman and docker use. Nothing is converted yet.
struct Walk {
  std::vector<Given> options;         ///< Of the command's table, in order.
  std::vector<Given> global_options;  ///< Of the global table: they may stand behind the command, too.
  std::vector<std::string> words;     ///< What is no option.
  bool wants_help = false;            ///< `--help`, or `-h` where that is no option of the command.
};

/// Splits `words` (without the program's and the command's name). `command` is for messages: "engine run".
/// @throws Error invalid_argument for an unknown option (with the nearest one as hint), a missing value, a flag that
///         is neither true nor false, or malformed dashes.
/// Source: pflag's documented command line syntax; Go's strconv.ParseBool for the values of flags.
Walk walk_words(const OptionTable& table, const OptionTable& global_table, const std::vector<std::string>& words,
                std::string_view command);

}  // namespace cmd
