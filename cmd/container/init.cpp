#include <memory>

#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/each.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "engine/initialized.hpp"

namespace cmd {

Action declare_init(OptionTable& table) {
  const auto choice = std::make_shared<ContainerChoice>();
  table.flag("all", 'a', choice->all, "Every container that can be initialized");
  declare_latest_option(table, *choice);
  declare_container_words(table, *choice, Completes::containers);
  return [choice](Invocation& invocation) {
    return for_each_name(chosen_names(invocation, *choice), [&](const std::string& name) {
      for (const std::string& initialized :
           engine::initialize(invocation.engine(), {.containers = {name}, .one_of_all = choice->all}))
        print_line(initialized);
    });
  };
}

}  // namespace cmd
