#include <memory>

#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/invocation.hpp"

namespace cmd {
namespace {

struct LogsWords {
  engine::LogsOptions options;
  ContainerChoice choice;
};

}  // namespace

Action declare_logs(OptionTable& table) {
  const auto words = std::make_shared<LogsWords>();
  engine::LogsOptions& options = words->options;
  table.flag("follow", 'f', options.follow, "Go on until the container ends");
  table.flag("timestamps", 't', options.timestamps, "Put the time in front of every line");
  table.flag("names", 'n', options.names, "Put the container's name in front of every line");
  table.number("tail", 0, "LINES", &options.tail, "Only so many lines from the end; -1 for all");
  table.text("since", 0, "TIME", options.since, "Only what is not older: a time, or a duration such as 10m");
  table.text("until", 0, "TIME", options.until, "Only what is not newer: a time, or a duration such as 10m");
  declare_latest_option(table, words->choice);
  table.known("color", 0, OptionKind::flag, Treatment::ignored);
  declare_container_words(table, words->choice, Completes::containers);
  return [words](Invocation& invocation) {
    engine::LogsOptions chosen = words->options;
    chosen.containers = chosen_names(invocation, words->choice);
    engine::logs(invocation.engine(), chosen);
    return 0;
  };
}

}  // namespace cmd
