#include <memory>

#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/each.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"

namespace cmd {
namespace {

struct StopWords {
  engine::StopOptions options;
  ContainerChoice choice;
};

void stop_and_print(Invocation& invocation, const engine::StopOptions& options) {
  for (const std::string& name : engine::stop(invocation.engine(), options)) print_line(name);
}

}  // namespace

Action declare_stop(OptionTable& table) {
  const auto words = std::make_shared<StopWords>();
  engine::StopOptions& options = words->options;
  table.flag("all", 'a', words->choice.all, "Stop every running container");
  table.flag("ignore", 'i', options.ignore, "Say nothing of containers that do not exist");
  declare_latest_option(table, words->choice);
  table.number("time", 't', "SECONDS", &options.timeout_seconds, "How long to wait before killing")
      .defaults_to("the container's stop timeout");
  table.number("timeout", 0, "SECONDS", &options.timeout_seconds, "Same as --time").hide();
  declare_cidfile_option(table, words->choice);
  declare_filter_option(table, words->choice, 'f');
  declare_container_words(table, words->choice, Completes::running_containers);
  return [words](Invocation& invocation) {
    engine::StopOptions chosen = words->options;
    words->choice.missing_files_too = chosen.ignore;
    const std::vector<std::string> names = chosen_names(invocation, words->choice);
    chosen.one_of_all = words->choice.all;
    return for_each_name(names, [&](const std::string& name) {
      chosen.containers = {name};
      stop_and_print(invocation, chosen);
    });
  };
}

}  // namespace cmd
