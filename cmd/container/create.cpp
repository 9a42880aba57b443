#include <memory>

#include "cmd/commands.hpp"
#include "cmd/configured_options.hpp"
#include "cmd/invocation.hpp"
#include "cmd/options_hpc.hpp"
#include "cmd/options_run.hpp"
#include "cmd/output.hpp"
#include "cmd/progress_bar.hpp"

namespace cmd {

Action declare_create(OptionTable& table) {
  const auto words = std::make_shared<RunWords>();
  declare_run_options(table, *words);
  const auto is_hpc = std::make_shared<bool>(false);
  declare_hpc_option(table, *is_hpc);
  return [words, is_hpc](Invocation& invocation) {
    settle_run_options(*words, invocation.argv);
    engine::RunOptions& options = words->options;
    invocation.report_to(make_progress(options.quiet ? ProgressStyle::none : ProgressStyle::automatic));
    bind_configured_options(invocation, *words);
    settle_hpc_option(*is_hpc, invocation.engine(), options);
    print_line(engine::create(invocation.engine(), options));
    return 0;
  };
}

}  // namespace cmd
