#include "engine/update.hpp"

#include <memory>

#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/invocation.hpp"
#include "cmd/options_run.hpp"
#include "cmd/output.hpp"

namespace cmd {
namespace {

struct UpdateWords {
  engine::UpdateOptions options;
  ContainerChoice choice;
};

}  // namespace

Action declare_update(OptionTable& table) {
  const auto words = std::make_shared<UpdateWords>();
  declare_limit_options(table, words->options.limits);
  table.text("restart", 0, "POLICY", words->options.restart,
             "Start it again when it ends: no, on-failure[:RETRIES], always, unless-stopped");
  declare_health_words(table, words->options.health);
  declare_latest_option(table, words->choice);
  declare_container_words(table, words->choice, Completes::containers);
  return [words](Invocation& invocation) {
    const std::vector<std::string> names = chosen_names(invocation, words->choice);
    engine::UpdateOptions options = words->options;
    for (const std::string& name : names) {
      options.container = name;
      print_line(engine::update(invocation.engine(), options));
    }
    return 0;
  };
}

}  // namespace cmd
