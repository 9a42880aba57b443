#pragma once

#include <string>
#include <string_view>

#include "cmd/command.hpp"
#include "cmd/option_table.hpp"

namespace cmd {

/// "engine kill [OPTIONS] CONTAINER [CONTAINER...]"; `path` is "kill".
std::string usage_line(const OptionTable& table, std::string_view path);

/// `engine --help`
std::string overview_text(const OptionTable& global_table);
/// `engine container --help`
std::string group_text(const CommandGroup& group);
/// `engine kill --help`
std::string command_text(const Command& command, const OptionTable& table, std::string_view path);

}  // namespace cmd
