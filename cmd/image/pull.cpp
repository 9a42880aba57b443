#include <memory>
#include <unistd.h>

#include "cmd/commands.hpp"
#include "cmd/each.hpp"
#include "cmd/invocation.hpp"
#include "cmd/options_image.hpp"
#include "cmd/output.hpp"
#include "cmd/progress_bar.hpp"
#include "cmd/prompt.hpp"
#include "cmd/transfer_verbs.hpp"

namespace cmd {
namespace {

struct PullWords {
  engine::PullOptions options;
  PlatformWords platform;
  std::string progress = "auto";
};

ProgressStyle style_of(const PullWords& words) {
  if (words.options.quiet || words.progress == "none") return ProgressStyle::none;
  if (words.progress == "tty") return ProgressStyle::bars;
  if (words.progress == "json") return ProgressStyle::json;
  return words.progress == "plain" ? ProgressStyle::plain : ProgressStyle::automatic;
}

/// The full name that somebody at a terminal wants; empty, when nobody need be asked.
std::string choose(Invocation& invocation, const std::string& image, const engine::PullOptions& options) {
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDERR_FILENO) == 0 || options.all_tags || options.dry_run) return {};
  const std::vector<std::string> names =
      invocation.program.transfer->short_name_choices(invocation.engine(), image, options.policy != "always");
  return names.empty() ? "" : choose_one("Please select an image:", names);
}

int pull_all(Invocation& invocation, const PullWords& words) {
  engine::PullOptions options = words.options;
  options.platform = joined_platform(words.platform);
  invocation.report_to(make_progress(style_of(words)));
  return for_each_name(words.options.images, [&](const std::string& image) {
    const std::string chosen = choose(invocation, image, options);
    options.images = {chosen.empty() ? image : chosen};
    for (const std::string& id : invocation.program.transfer->pull(invocation.engine(), options)) print_line(id);
    if (!chosen.empty()) invocation.program.transfer->remember_short_name(invocation.engine(), image, chosen);
  });
}

}  // namespace

Action declare_pull(OptionTable& table) {
  const auto words = std::make_shared<PullWords>();
  engine::PullOptions& options = words->options;
  table.flag("all-tags", 'a', options.all_tags, "Fetch every tag of the repository");
  table.text("policy", 0, "POLICY", options.policy, "When to fetch").choices("always|missing|never|newer");
  table.text("progress", 0, "STYLE", words->progress, "How to show progress").choices("auto|tty|plain|json|none");
  table.flag("quiet", 'q', options.quiet, "Print the image's id and nothing else");
  table.number("retry", 0, "COUNT", &options.retries, "How often to try again after a failure of the network")
      .defaults_to("3");
  table.text("retry-delay", 0, "DURATION", options.retry_delay, "How long to wait before trying again, as in 2s");
  table.flag("dry-run", 0, options.dry_run, "Say what would be fetched, and write nothing");
  declare_platform_options(table, words->platform);
  declare_registry_options(table, options.tls_verify, options.auth_file, options.creds, options.cert_dir);
  table.known("disable-content-trust", 0, OptionKind::flag, Treatment::ignored);
  table.known("decryption-key", 0, OptionKind::list, Treatment::refused);
  table.words("IMAGE", options.images, 1, "Image name, or oci:, oci-archive:, docker-archive:, dir: and a path")
      .completes = Completes::images;
  return [words](Invocation& invocation) { return pull_all(invocation, *words); };
}

}  // namespace cmd
