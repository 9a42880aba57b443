#include <memory>

#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "engine/artifacts.hpp"

namespace cmd {

Action declare_artifact_extract(OptionTable& table) {
  const auto options = std::make_shared<engine::ExtractOptions>();
  table.text("digest", 0, "DIGEST", options->digest, "Only the file with this digest");
  table.text("title", 0, "NAME", options->title, "Only the file of this name");
  table.flag("force", 'f', options->force, "Replace files of the folder that have the names of the artifact's");
  table.word("ARTIFACT", options->artifact, "Name or digest");
  table.word("PATH", options->target, "Folder to write to, or the file where it is only one").completes =
      Completes::files;
  return [options](Invocation& invocation) {
    options->file_mode = 0666 & ~invocation.program.callers_umask;
    engine::extract_artifact(invocation.engine(), *options);
    return 0;
  };
}

}  // namespace cmd
