#include "engine/rename.hpp"

#include <memory>

#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/option_table.hpp"

namespace cmd {
namespace {

struct RenameWords {
  std::string container, name;
};

}  // namespace

Action declare_rename(OptionTable& table) {
  const auto words = std::make_shared<RenameWords>();
  table.word("CONTAINER", words->container, "Name or id; the beginning of an id is enough").completes =
      Completes::containers;
  table.word("NAME", words->name, "Its new name");
  return [words](Invocation& invocation) {
    engine::rename(invocation.engine(), words->container, words->name);
    return 0;
  };
}

}  // namespace cmd
