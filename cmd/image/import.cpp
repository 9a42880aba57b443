#include <memory>

#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/progress_bar.hpp"
#include "cmd/transfer_verbs.hpp"

namespace cmd {
namespace {

struct ImportWords {
  engine::ImportOptions options;
  bool quiet = false;
};

}  // namespace

Action declare_import(OptionTable& table) {
  const auto words = std::make_shared<ImportWords>();
  engine::ImportOptions& options = words->options;
  table.text("arch", 0, "ARCH", options.architecture, "Architecture that the image is for; this machine's by default");
  table.list("change", 'c', "INSTRUCTION", options.changes,
             "Apply CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR");
  table.text("message", 'm', "TEXT", options.message, "Comment in the image's history");
  table.text("os", 0, "OS", options.os, "Operating system that the image is for");
  table.flag("quiet", 'q', words->quiet, "Show no progress");
  table.text("variant", 0, "VARIANT", options.variant, "Variant of the architecture");
  table.known("signature-policy", 0, OptionKind::text, Treatment::ignored);
  table.word("SOURCE", options.source,
             "A tar of a file system, compressed or not: a file, a URL, or - for standard input");
  table.word("NAME", options.name, "Name of the image").at_least = 0;
  return [words](Invocation& invocation) {
    invocation.report_to(make_progress(words->quiet ? ProgressStyle::none : ProgressStyle::automatic));
    print_line(base::concat("sha256:", invocation.program.transfer->import_image(invocation.engine(), words->options)));
    return 0;
  };
}

}  // namespace cmd
