#include "cmd/help.hpp"

#include <memory>
#include <string>
#include <vector>

#include "cmd/commands.hpp"
#include "cmd/global_options.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"

namespace cmd {
namespace {

std::string overview() {
  GlobalWords globals;
  OptionTable table;
  declare_global_options(table, globals);
  return overview_text(table);
}

std::string text_about(const std::vector<std::string>& words) {
  if (words.empty()) return overview();
  const FoundCommand found = find_command(words);
  if (found.command != nullptr) {
    OptionTable table;
    const Action bound = found.command->declare(table);  // owns what the table points to
    return command_text(*found.command, table, found.path);
  }
  const CommandGroup* group = find_group(words.front());
  if (group == nullptr || words.size() > 1) refuse_unknown_command(words);
  return group_text(*group);
}

}  // namespace

Action declare_help(OptionTable& table) {
  const auto words = std::make_shared<std::vector<std::string>>();
  table.words("COMMAND", *words, 0, "The command to explain").completes = Completes::commands;
  return [words](Invocation&) {
    print(text_about(*words));
    return 0;
  };
}

}  // namespace cmd
