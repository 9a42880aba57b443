#include <memory>

#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/progress_bar.hpp"
#include "cmd/transfer_verbs.hpp"

namespace cmd {
namespace {

struct LoadWords {
  std::string input;
  bool quiet = false;
};

void print_loaded(const engine::LoadedImage& image) {
  if (image.names.empty()) print_line(base::concat("Loaded image: sha256:", image.id));
  for (const std::string& name : image.names) print_line(base::concat("Loaded image: ", name));
}

}  // namespace

Action declare_load(OptionTable& table) {
  const auto words = std::make_shared<LoadWords>();
  table.text("input", 'i', "PATH", words->input, "Read this archive or folder instead of standard input")
      .offers(Completes::files);
  table.flag("quiet", 'q', words->quiet, "Show no progress");
  return [words](Invocation& invocation) {
    invocation.report_to(make_progress(words->quiet ? ProgressStyle::none : ProgressStyle::automatic));
    invocation.program.transfer->load_images(invocation.engine(), words->input, print_loaded);
    return 0;
  };
}

}  // namespace cmd
