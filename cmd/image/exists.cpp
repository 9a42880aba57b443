#include <memory>
#include <string>

#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"

namespace cmd {

Action declare_image_exists(OptionTable& table) {
  const auto name = std::make_shared<std::string>();
  table.word("IMAGE", *name, "Name or id").completes = Completes::images;
  return [name](Invocation& invocation) { return engine::image_exists(invocation.engine(), *name) ? 0 : 1; };
}

}  // namespace cmd
