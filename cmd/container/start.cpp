#include <memory>

#include "base/error.hpp"
#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/each.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"

namespace cmd {
namespace {

struct StartWords {
  engine::StartOptions options;
  ContainerChoice choice;
};

int start_chosen(Invocation& invocation, const StartWords& words) {
  engine::StartOptions options = words.options;
  const std::vector<std::string> names = chosen_names(invocation, words.choice);
  options.one_of_all = words.choice.all;
  if (options.attach || options.interactive) {
    if (names.size() > 1) {
      throw base::Error{base::ErrorKind::invalid_argument, "only one container can be attached at a time"};
    }
    options.attach = true;
    options.containers = names;
    return engine::start(invocation.engine(), options);
  }
  return for_each_name(names, [&](const std::string& name) {
    options.containers = {name};
    engine::start(invocation.engine(), options);
    print_line(name);
  });
}

}  // namespace

Action declare_start(OptionTable& table) {
  const auto words = std::make_shared<StartWords>();
  engine::StartOptions& options = words->options;
  table.flag("attach", 'a', options.attach, "Stay connected to the container's output");
  table.flag("interactive", 'i', options.interactive, "Connect standard input as well");
  table.flag("all", 0, words->choice.all, "Start every container that is not running");
  declare_latest_option(table, words->choice);
  table.flag("sig-proxy", 0, options.sig_proxy, "Pass signals on to the container");
  table.text("detach-keys", 0, "KEYS", options.detach_keys, "Keys that leave the container running; \"\" for none");
  declare_filter_option(table, words->choice, 'f');
  declare_container_words(table, words->choice, Completes::containers);
  return [words](Invocation& invocation) {
    invocation.expect_start();
    return start_chosen(invocation, *words);
  };
}

}  // namespace cmd
