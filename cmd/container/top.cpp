#include "engine/top.hpp"

#include <memory>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/table.hpp"
#include "engine/verbs.hpp"

namespace cmd {
namespace {

struct TopWords {
  engine::TopOptions options;
  ContainerChoice choice;
  bool lists = false;
};

/// As podman and docker: the container's own ps(1) with those words.
int run_ps(Invocation& invocation, const engine::TopOptions& options) {
  engine::ExecOptions exec;
  exec.container = options.container;
  exec.command = options.descriptors;
  exec.command.insert(exec.command.begin(), "ps");
  return engine::exec(invocation.engine(), exec);
}

int show(Invocation& invocation, engine::TopOptions options) {
  if (engine::are_for_ps(options.descriptors)) return run_ps(invocation, options);
  engine::TopTable found = engine::top(invocation.engine(), options);
  Table table{std::move(found.headings)};
  for (std::vector<std::string>& row : found.rows) table.add_row(std::move(row));
  print(table.text(true));
  return 0;
}

}  // namespace

Action declare_top(OptionTable& table) {
  const auto words = std::make_shared<TopWords>();
  declare_latest_option(table, words->choice);
  table.flag("list-descriptors", 0, words->lists, "Show the descriptors that there are");
  table.set_words_mode(WordsMode::first_is_last);
  Positional& container = table.word("CONTAINER", words->options.container,
                                     "Name or id of a running container, unless --latest says which");
  container.completes = Completes::running_containers;
  container.at_least = 0;
  table.words("DESCRIPTOR", words->options.descriptors, 0,
              "What to show of each process, or words for the container's ps");
  return [words](Invocation& invocation) {
    if (words->lists) {
      print_line(base::join(engine::top_descriptors(), "\n"));
      return 0;
    }
    engine::TopOptions options = words->options;
    if (words->choice.latest) {
      // The first word is a descriptor then.
      if (!options.container.empty()) options.descriptors.insert(options.descriptors.begin(), options.container);
      options.container = latest_container(invocation);
    }
    if (options.container.empty())
      throw base::Error{base::ErrorKind::invalid_argument, "\"engine top\" needs a CONTAINER", "see engine top --help"};
    return show(invocation, std::move(options));
  };
}

}  // namespace cmd
