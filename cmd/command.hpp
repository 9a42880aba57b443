#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/option_table.hpp"

namespace cmd {

class Invocation;

/// Executes a command whose options are bound. Returns the exit code.
using Action = std::function<int(Invocation& invocation)>;

/// Which executable a command's work is linked into; see ARCHITECTURE.md 3.
enum class Home { engine, transfer };

enum class Visibility { listed, hidden };

/// One command. Its options are declared only when it was chosen.
struct Command {
  std::string_view paths;  ///< "ps|container ls|container list": every way to call it, the shown one first.
  std::string_view summary;
  Home home;
  Visibility visibility;
  Action (*declare)(OptionTable& table);
};

/// A word that only holds commands: "container".
struct CommandGroup {
  std::string_view name;
  std::string_view summary;
};

/// All commands, in the order help shows them.
std::span<const Command> all_commands();
std::span<const CommandGroup> all_groups();

/// "ps" of "ps|container ls".
std::string_view first_path(const Command& command);

/// Whether a command of this path ("rmi", "image rm") works on the images of --imagestore rather than on containers.
bool is_about_images(std::string_view path);

struct FoundCommand {
  const Command* command = nullptr;
  std::string path;            ///< As the user wrote it: "container ls".
  std::size_t word_count = 0;  ///< How many of the words name it.
};
/// The command that `words` begin with; nothing found leaves `command` empty.
FoundCommand find_command(const std::vector<std::string>& words);
/// Nullptr when `name` is no group.
const CommandGroup* find_group(std::string_view name);

/// "unknown command" with the nearest one as hint. `words` is not empty.
[[noreturn]] void refuse_unknown_command(const std::vector<std::string>& words);

}  // namespace cmd
