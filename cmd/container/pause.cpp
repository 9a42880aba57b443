#include "engine/pause.hpp"

#include <memory>

#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/each.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"

namespace cmd {
namespace {

using Verb = std::vector<std::string> (*)(engine::Engine& engine, const engine::PauseOptions& options);

Action declare(OptionTable& table, Verb verb, std::string_view all) {
  const auto choice = std::make_shared<ContainerChoice>();
  table.flag("all", 'a', choice->all, all);
  declare_latest_option(table, *choice);
  declare_cidfile_option(table, *choice);
  declare_filter_option(table, *choice, 'f');
  declare_container_words(table, *choice, Completes::running_containers);
  return [choice, verb](Invocation& invocation) {
    return for_each_name(chosen_names(invocation, *choice), [&](const std::string& name) {
      for (const std::string& done : verb(invocation.engine(), {.containers = {name}, .one_of_all = choice->all}))
        print_line(done);
    });
  };
}

}  // namespace

Action declare_pause(OptionTable& table) {
  return declare(table, engine::pause, "Every running container");
}

Action declare_unpause(OptionTable& table) {
  return declare(table, engine::unpause, "Every paused container");
}

}  // namespace cmd
