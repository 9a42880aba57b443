#include <memory>

#include "base/error.hpp"
#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/invocation.hpp"
#include "engine/attach_verb.hpp"

namespace cmd {
namespace {

struct AttachWords {
  engine::AttachToOptions options;
  ContainerChoice choice;
  bool no_stdin = false;
};

}  // namespace

Action declare_attach(OptionTable& table) {
  const auto words = std::make_shared<AttachWords>();
  table.text("detach-keys", 0, "KEYS", words->options.detach_keys,
             "Keys that leave the container running; \"\" for none");
  table.flag("no-stdin", 0, words->no_stdin, "Leave the container's standard input alone");
  table.flag("sig-proxy", 0, words->options.sig_proxy, "Pass signals on to the container");
  declare_latest_option(table, words->choice);
  declare_container_words(table, words->choice, Completes::running_containers);
  return [words](Invocation& invocation) {
    const std::vector<std::string> names = chosen_names(invocation, words->choice);
    if (names.size() > 1)
      throw base::Error{base::ErrorKind::invalid_argument, "only one container can be attached at a time"};
    engine::AttachToOptions options = words->options;
    options.container = names.front();
    options.with_stdin = !words->no_stdin;
    return engine::attach_to(invocation.engine(), options);
  };
}

}  // namespace cmd
