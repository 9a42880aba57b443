#include <memory>

#include "base/signals.hpp"
#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/each.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"

namespace cmd {
namespace {

struct KillWords {
  engine::KillOptions options;
  ContainerChoice choice;
};

std::string_view check_signal(std::string_view text) {
  return base::parse_signal(text) ? std::string_view{} : "is not a signal";
}

void kill_and_print(Invocation& invocation, const engine::KillOptions& options) {
  for (const std::string& name : engine::kill(invocation.engine(), options)) print_line(name);
}

}  // namespace

Action declare_kill(OptionTable& table) {
  const auto words = std::make_shared<KillWords>();
  table.flag("all", 'a', words->choice.all, "Send the signal to every running container");
  declare_latest_option(table, words->choice);
  table.text("signal", 's', "SIGNAL", words->options.signal, "Signal, by name or number").checked_by(check_signal);
  declare_cidfile_option(table, words->choice);
  declare_container_words(table, words->choice, Completes::running_containers);
  return [words](Invocation& invocation) {
    engine::KillOptions chosen = words->options;
    const std::vector<std::string> names = chosen_names(invocation, words->choice);
    chosen.one_of_all = words->choice.all;
    return for_each_name(names, [&](const std::string& name) {
      chosen.containers = {name};
      kill_and_print(invocation, chosen);
    });
  };
}

}  // namespace cmd
