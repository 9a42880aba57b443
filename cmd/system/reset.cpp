#include <memory>

#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/confirm.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "engine/upkeep.hpp"

namespace cmd {
namespace {

std::string warning_of(const engine::Engine& engine) {
  std::string text = base::concat(
      "WARNING! This will remove:\n        - all containers\n        - all images\n        - all volumes\n",
      "        in the store ", engine.config.root, "\n");
  if (!engine.config.image_store.empty())
    text += base::concat("        and in the store of images ", engine.config.image_store, "\n");
  return text;
}

}  // namespace

Action declare_system_reset(OptionTable& table) {
  const auto force = std::make_shared<bool>(false);
  table.flag("force", 'f', *force, "Do not ask");
  return [force](Invocation& invocation) {
    if (!*force && !confirm(warning_of(invocation.engine()))) return 0;
    engine::reset_system(invocation.engine());
    return 0;
  };
}

}  // namespace cmd
