#include <algorithm>
#include <memory>

#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/each.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "engine/dependents.hpp"

namespace cmd {
namespace {

struct RemoveWords {
  engine::RemoveOptions options;
  ContainerChoice choice;
  bool depend = false;
};

/// Those that need others come first where we choose: with --all and --depend.
std::vector<std::string> names_in_order(Invocation& invocation, const RemoveWords& words) {
  std::vector<std::string> names = chosen_names(invocation, words.choice);
  if (words.choice.all) return engine::dependents_first(invocation.engine(), names);
  if (!words.depend) return names;
  std::vector<std::string> all;
  for (const std::string& name : names)
    for (std::string& id : engine::with_dependents(invocation.engine(), name))
      if (std::find(all.begin(), all.end(), id) == all.end()) all.push_back(std::move(id));
  return all;
}

void remove_and_print(Invocation& invocation, const engine::RemoveOptions& options) {
  for (const std::string& name : engine::remove(invocation.engine(), options)) print_line(name);
}

}  // namespace

Action declare_rm(OptionTable& table) {
  const auto words = std::make_shared<RemoveWords>();
  engine::RemoveOptions& options = words->options;
  table.flag("all", 'a', words->choice.all, "Remove every container");
  table.flag("force", 'f', options.force, "Kill a running container first; a missing one is no error");
  table.flag("ignore", 'i', options.ignore, "Say nothing of containers that do not exist");
  declare_latest_option(table, words->choice);
  table.number("time", 't', "SECONDS", &options.timeout_seconds, "With --force, how long to wait before killing")
      .defaults_to("10");
  table.flag("volumes", 'v', options.volumes, "Remove anonymous volumes as well");
  declare_cidfile_option(table, words->choice);
  table.flag("depend", 0, words->depend, "Remove the containers that share its namespaces as well");
  declare_filter_option(table, words->choice, 0);
  declare_container_words(table, words->choice, Completes::containers);
  return [words](Invocation& invocation) {
    engine::RemoveOptions chosen = words->options;
    chosen.ignore = chosen.ignore || chosen.force || words->choice.all;
    words->choice.missing_files_too = chosen.ignore;
    const std::vector<std::string> names = names_in_order(invocation, *words);
    const auto remove_one = [&](const std::string& name) {
      chosen.containers = {name};
      engine::refuse_dependents(invocation.engine(), name);
      remove_and_print(invocation, chosen);
    };
    return for_each_name(names, remove_one, removal_exit_code_of);
  };
}

}  // namespace cmd
