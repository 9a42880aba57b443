#include <memory>

#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/options_run.hpp"
#include "cmd/output.hpp"
#include "cmd/progress_bar.hpp"

namespace cmd {

Action declare_create(OptionTable& table) {
  const auto words = std::make_shared<RunWords>();
  declare_run_options(table, *words);
  return [words](Invocation& invocation) {
    const engine::RunOptions& options = settle_run_options(*words, invocation.argv);
    invocation.report_to(make_progress(options.quiet ? ProgressStyle::none : ProgressStyle::automatic));
    print_line(engine::create(invocation.engine(), options));
    return 0;
  };
}

}  // namespace cmd
