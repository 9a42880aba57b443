#include <memory>
#include <string>

#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"

namespace cmd {

Action declare_container_exists(OptionTable& table) {
  const auto name = std::make_shared<std::string>();
  table.known("external", 0, OptionKind::flag, Treatment::ignored);
  table.word("CONTAINER", *name, "Name or id").completes = Completes::containers;
  return [name](Invocation& invocation) { return engine::container_exists(invocation.engine(), *name) ? 0 : 1; };
}

}  // namespace cmd
