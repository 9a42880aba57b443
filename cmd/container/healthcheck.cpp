#include <memory>
#include <string>

#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/option_table.hpp"
#include "cmd/output.hpp"
#include "engine/health.hpp"

namespace cmd {

/// As podman: nothing is printed of what is well.
Action declare_healthcheck_run(OptionTable& table) {
  const auto container = std::make_shared<std::string>();
  table.word("CONTAINER", *container, "Name or id of the container").completes = Completes::running_containers;
  return [container](Invocation& invocation) {
    const std::string status = engine::run_health_check(invocation.engine(), *container);
    if (status == "healthy") return 0;
    print_line(status);
    return 1;
  };
}

}  // namespace cmd
