#include "engine/restart.hpp"

#include <memory>

#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/each.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"

namespace cmd {
namespace {

struct RestartWords {
  engine::RestartOptions options;
  ContainerChoice choice;
};

}  // namespace

Action declare_restart(OptionTable& table) {
  const auto words = std::make_shared<RestartWords>();
  engine::RestartOptions& options = words->options;
  table.flag("all", 'a', words->choice.all, "Restart every container, running or not");
  table.flag("running", 0, options.only_running, "Leave out containers that do not run");
  declare_latest_option(table, words->choice);
  table.number("time", 't', "SECONDS", &options.timeout_seconds, "How long to wait before killing")
      .defaults_to("the container's stop timeout");
  table.number("timeout", 0, "SECONDS", &options.timeout_seconds, "Same as --time").hide();
  declare_cidfile_option(table, words->choice);
  declare_filter_option(table, words->choice, 'f');
  declare_container_words(table, words->choice, Completes::containers);
  return [words](Invocation& invocation) {
    engine::RestartOptions chosen = words->options;
    ContainerChoice choice = words->choice;
    // As podman: --running alone means all that run.
    if (chosen.only_running && choice.names.empty() && choice.cidfiles.empty() && !choice.latest &&
        choice.filters.empty())
      choice.all = true;
    const std::vector<std::string> names = chosen_names(invocation, choice);
    chosen.one_of_all = choice.all;
    return for_each_name(names, [&](const std::string& name) {
      chosen.containers = {name};
      for (const std::string& restarted : engine::restart(invocation.engine(), chosen)) print_line(restarted);
    });
  };
}

}  // namespace cmd
