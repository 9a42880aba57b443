#include <memory>

#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/options_run.hpp"
#include "cmd/output.hpp"
#include "cmd/progress_bar.hpp"

namespace cmd {

Action declare_run(OptionTable& table) {
  const auto words = std::make_shared<RunWords>();
  declare_run_options(table, *words);
  table.flag("detach", 'd', words->options.detach, "Run in the background and print the container's id");
  table.text("detach-keys", 0, "KEYS", words->options.detach_keys,
             "Keys that leave the container running, such as ctrl-p,ctrl-q; \"\" for none");
  table.flag("sig-proxy", 0, words->options.sig_proxy, "Pass signals on to the container");
  return [words](Invocation& invocation) {
    settle_run_options(*words, invocation.argv);
    if (words->options.detach) words->options.on_started = [](const std::string& id) { print_line(id); };
    invocation.report_to(make_progress(words->options.quiet ? ProgressStyle::none : ProgressStyle::automatic));
    return engine::run(invocation.engine(), words->options);
  };
}

}  // namespace cmd
