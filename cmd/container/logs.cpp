#include "engine/logs.hpp"

#include <memory>

#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/invocation.hpp"

namespace cmd {
namespace {

struct LogsWords {
  engine::LogsOptions options;
  ContainerChoice choice;
  bool with_colours = false;
};

}  // namespace

Action declare_logs(OptionTable& table) {
  const auto words = std::make_shared<LogsWords>();
  engine::LogsOptions& options = words->options;
  table.flag("follow", 'f', options.follow, "Go on until the container ends");
  table.flag("timestamps", 't', options.timestamps, "Put the time in front of every line");
  table.flag("names", 'n', options.names, "With several containers: their names in front of the lines, not their ids");
  table.number("tail", 0, "LINES", &options.tail, "Only so many lines from the end; -1 for all");
  table.text("since", 0, "TIME", options.since, "Only what is not older: a time, or a duration such as 10m");
  table.text("until", 0, "TIME", options.until, "Only what is not newer: a time, or a duration from now such as 10m");
  declare_latest_option(table, words->choice);
  table.flag("color", 0, words->with_colours, "Show each container's lines in a colour of its own");
  declare_container_words(table, words->choice, Completes::containers);
  return [words](Invocation& invocation) {
    engine::LogsOptions chosen = words->options;
    chosen.containers = chosen_names(invocation, words->choice);
    engine::logs(invocation.engine(), chosen, words->with_colours);
    return 0;
  };
}

}  // namespace cmd
