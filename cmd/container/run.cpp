#include <memory>

#include "base/error.hpp"
#include "base/log.hpp"
#include "cmd/commands.hpp"
#include "cmd/configured_options.hpp"
#include "cmd/invocation.hpp"
#include "cmd/options_hpc.hpp"
#include "cmd/options_run.hpp"
#include "cmd/output.hpp"
#include "cmd/progress_bar.hpp"
#include "engine/verbs.hpp"

namespace cmd {
namespace {

/// What keeps it, such as another container, is no failure of the one that has run.
void remove_image(engine::Engine& engine, const std::string& image) {
  try {
    engine::remove_images(engine, {.images = {image}});
  } catch (const base::Error& error) {
    base::log(base::LogLevel::warn, "the image stays: ", error.message());
  }
}

bool has_usual_ids(const engine::RunOptions& options) {
  return options.userns.empty() && options.uid_maps.empty() && options.gid_maps.empty() &&
         options.subuid_name.empty() && options.subgid_name.empty();
}

}  // namespace

Action declare_run(OptionTable& table) {
  const auto words = std::make_shared<RunWords>();
  declare_run_options(table, *words);
  table.flag("detach", 'd', words->options.detach, "Run in the background and print the container's id");
  table.text("detach-keys", 0, "KEYS", words->options.detach_keys,
             "Keys that leave the container running, such as ctrl-p,ctrl-q; \"\" for none");
  const auto removes_image = std::make_shared<bool>(false);
  table.flag("rmi", 0, *removes_image, "Remove the image afterwards unless something else uses it; includes --rm");
  table.flag("sig-proxy", 0, words->options.sig_proxy, "Pass signals on to the container");
  const auto is_hpc = std::make_shared<bool>(false);
  declare_hpc_option(table, *is_hpc);
  return [words, removes_image, is_hpc](Invocation& invocation) {
    settle_run_options(*words, invocation.argv);
    engine::RunOptions& options = words->options;
    if (*removes_image && options.detach)
      throw base::make_error(base::ErrorKind::unsupported, "--rmi and --detach cannot be given together")
          .with_hint("engine rmi when the container has ended");
    options.auto_remove = options.auto_remove || *removes_image;
    if (options.detach) options.on_started = [](const std::string& id) { print_line(id); };
    invocation.report_to(make_progress(options.quiet ? ProgressStyle::none : ProgressStyle::automatic));
    if (has_usual_ids(options)) invocation.expect_start();
    bind_configured_options(invocation, *words);
    settle_hpc_option(*is_hpc, invocation.engine(), options);
    const int code = engine::run(invocation.engine(), options);
    if (*removes_image) remove_image(invocation.engine(), options.image);
    return code;
  };
}

}  // namespace cmd
