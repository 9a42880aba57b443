#include <memory>

#include "base/error.hpp"
#include "cmd/changes.hpp"
#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/invocation.hpp"
#include "engine/container_tree.hpp"

namespace cmd {
namespace {

struct DiffWords {
  std::string name, other, format;
  ContainerChoice choice;
};

Action declare(OptionTable& table, engine::DiffOf of, std::string_view name_shown, std::string_view help) {
  const auto words = std::make_shared<DiffWords>();
  declare_changes_format(table, words->format);
  declare_latest_option(table, words->choice);
  Positional& name = table.word(name_shown, words->name, help);
  name.completes = Completes::containers;
  name.at_least = 0;
  Positional& other =
      table.word("OTHER", words->other, "What to compare it with; the container's image, or an image's lower layers");
  other.completes = Completes::containers;
  other.at_least = 0;
  return [words, of](Invocation& invocation) {
    if (words->choice.latest) {
      if (!words->name.empty())
        throw base::make_error(base::ErrorKind::invalid_argument, "--latest and a name cannot be used together");
      words->name = latest_container(invocation);
    }
    if (words->name.empty())
      throw base::Error{base::ErrorKind::invalid_argument, "engine diff needs a name, an id, or --latest",
                        "see engine diff --help"};
    print_changes(engine::diff(invocation.engine(), words->name, words->other, of), words->format);
    return 0;
  };
}

}  // namespace

Action declare_diff(OptionTable& table) {
  return declare(table, engine::DiffOf::anything, "CONTAINER|IMAGE", "Name or id, unless --latest says which");
}

Action declare_container_diff(OptionTable& table) {
  return declare(table, engine::DiffOf::containers, "CONTAINER", "Name or id, unless --latest says which");
}

}  // namespace cmd
