#include <memory>
#include <sys/stat.h>

#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "engine/copy_files.hpp"

namespace cmd {

Action declare_cp(OptionTable& table) {
  const auto options = std::make_shared<engine::CopyFilesOptions>();
  table.flag("archive", 'a', options->archive, "What comes into a container belongs to its user; else owners are kept");
  table.flag("overwrite", 0, options->overwrite, "Directories and other files may replace each other");
  table.known("extract", 0, OptionKind::flag, Treatment::ignored);
  table.known("pause", 0, OptionKind::flag, Treatment::ignored);
  table.word("SOURCE", options->source, "CONTAINER:PATH, a path of the host, or - for a tar from standard input")
      .completes = Completes::files;
  table.word("DESTINATION", options->destination, "Likewise; - is a tar to standard output").completes =
      Completes::files;
  return [options](Invocation& invocation) {
    engine::Engine& engine = invocation.engine();
    ::umask(invocation.program.callers_umask);
    engine::copy_files(engine, *options);
    return 0;
  };
}

}  // namespace cmd
