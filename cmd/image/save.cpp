#include <memory>
#include <sys/stat.h>

#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/progress_bar.hpp"
#include "cmd/transfer_verbs.hpp"

namespace cmd {
namespace {

struct SaveWords {
  engine::SaveOptions options;
  bool quiet = false;
  bool uncompressed = false;
};

}  // namespace

Action declare_save(OptionTable& table) {
  const auto words = std::make_shared<SaveWords>();
  engine::SaveOptions& options = words->options;
  table.flag("compress", 0, options.compress, "Compress layers that are not, in the format docker-dir");
  table.text("format", 0, "FORMAT", options.format, "What to write")
      .choices("docker-archive|oci-archive|oci-dir|docker-dir");
  table.flag("multi-image-archive", 'm', options.several, "Take every IMAGE for an image, not for a name of the first");
  table.text("output", 'o', "PATH", options.output, "Write to this file or folder").offers(Completes::files);
  table.flag("quiet", 'q', words->quiet, "Show no progress");
  table.flag("uncompressed", 0, words->uncompressed, "Leave layers as they are, which is what happens anyway");
  table.words("IMAGE", options.images, 1, "Name or id of the image, then more names for it").completes =
      Completes::images;
  return [words](Invocation& invocation) {
    invocation.report_to(make_progress(words->quiet ? ProgressStyle::none : ProgressStyle::automatic));
    invocation.engine();
    ::umask(invocation.program.callers_umask);  // the archive is the user's, unlike what lies in the store
    invocation.program.transfer->save_images(invocation.engine(), words->options);
    return 0;
  };
}

}  // namespace cmd
