#include <memory>

#include "base/error.hpp"
#include "cmd/commands.hpp"
#include "cmd/each.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "engine/artifacts.hpp"

namespace cmd {

Action declare_artifact_add(OptionTable& table) {
  const auto options = std::make_shared<engine::AddArtifactOptions>();
  table.list("annotation", 0, "KEY=VALUE", options->annotations, "Add an annotation to each file");
  table.flag("append", 'a', options->append, "Add the files to the artifact, which must be there");
  table.text("file-type", 0, "TYPE", options->file_type, "Media type of the files; by default their first bytes tell");
  table.flag("replace", 0, options->replace, "Put the artifact in the place of one of that name");
  table.text("type", 0, "TYPE", options->type, "Type of the artifact")
      .defaults_to("application/vnd.unknown.artifact.v1");
  table.word("NAME", options->name, "Name of the artifact");
  table.words("FILE", options->paths, 1, "Files to put in").completes = Completes::files;
  return [options](Invocation& invocation) {
    print_line(engine::add_artifact(invocation.engine(), *options).hex());
    return 0;
  };
}

Action declare_artifact_rm(OptionTable& table) {
  struct Words {
    std::vector<std::string> names;
    bool all = false;
    bool ignore = false;
  };
  const auto words = std::make_shared<Words>();
  table.flag("all", 'a', words->all, "Remove every artifact");
  table.flag("ignore", 'i', words->ignore, "Say nothing of artifacts that do not exist");
  table.words("ARTIFACT", words->names, 0, "Names or digests");
  return [words](Invocation& invocation) {
    if (words->all != words->names.empty())
      throw base::make_error(
          base::ErrorKind::invalid_argument,
          words->all ? "--all goes without names of artifacts" : "\"engine artifact rm\" needs at least one ARTIFACT");
    std::vector<std::string> names = words->names;
    if (words->all)
      for (const engine::Artifact& artifact : engine::list_artifacts(invocation.engine()))
        names.push_back(artifact.name);
    return for_each_name(
        names,
        [&](const std::string& name) {
          try {
            print_line(engine::remove_artifact(invocation.engine(), name).hex());
          } catch (const base::Error& error) {
            if (!words->ignore || error.kind() != base::ErrorKind::not_found) throw;
          }
        },
        removal_exit_code_of);
  };
}

}  // namespace cmd
