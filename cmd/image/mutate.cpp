#include <memory>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/image/derived.hpp"
#include "cmd/invocation.hpp"
#include "cmd/transfer_verbs.hpp"

namespace cmd {
namespace {

struct MutateWords {
  DerivedWords derived;
  engine::MutateOptions options;
  std::optional<std::string> entrypoint, command, user, work_dir;
  std::string set_platform;
};

/// A JSON array, or words separated by commas, as crane has it.
std::vector<std::string> words_of(const std::string& text) {
  if (text.starts_with("[")) return base::JsonAt::parse(text, base::concat("the list ", text)).strings();
  std::vector<std::string> words;
  if (text.empty()) return words;
  for (const std::string_view word : base::split(text, ',')) words.emplace_back(word);
  return words;
}

int mutate(Invocation& invocation, const MutateWords& words) {
  engine::MutateOptions options = words.options;
  const std::string base = options.place.base;
  options.place = place_of(words.derived);
  options.place.base = base;
  if (words.entrypoint) options.changes.entrypoint = words_of(*words.entrypoint);
  if (words.command) options.changes.command = words_of(*words.command);
  options.changes.user = words.user;
  options.changes.work_dir = words.work_dir;
  if (!words.set_platform.empty()) options.changes.platform = oci::parse_platform(words.set_platform);
  invocation.report_to(make_progress(words.derived.quiet ? ProgressStyle::none : ProgressStyle::automatic));
  print_derived(invocation.program.transfer->mutate_image(invocation.engine(), options), words.derived);
  return 0;
}

}  // namespace

Action declare_mutate(OptionTable& table) {
  const auto words = std::make_shared<MutateWords>();
  engine::ConfigChanges& changes = words->options.changes;
  table.list("annotation", 'a', "KEY=VALUE", words->options.annotations, "Add an annotation to the manifest");
  table.list("append", 0, "TAR", words->options.layers, "Add a layer, too").offers(Completes::files);
  table.text("cmd", 0, "WORDS", words->command, "New command: words separated by commas, or a JSON array");
  table.text("entrypoint", 0, "WORDS", words->entrypoint, "New entrypoint, likewise; the command goes");
  table.list("env", 'e', "NAME=VALUE", changes.env, "Set a variable of the environment");
  table.comma_list("exposed-ports", 0, "PORT", changes.ports, "Add ports that the image names");
  table.list("label", 'l', "KEY=VALUE", changes.labels, "Set a label");
  table.text("set-platform", 0, "OS/ARCH", words->set_platform, "Say that the image is for this platform");
  table.text("user", 'u', "USER", words->user, "New user");
  table.text("workdir", 'w', "FOLDER", words->work_dir, "New working directory");
  declare_derived_options(table, words->derived);
  table.word("IMAGE", words->options.place.base, "Image to begin with: of the store or of a registry").completes =
      Completes::images;
  return [words](Invocation& invocation) { return mutate(invocation, *words); };
}

}  // namespace cmd
