#include "cmd/image/list.hpp"

#include <memory>

#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/report.hpp"
#include "cmd/shapes.hpp"
#include "cmd/table.hpp"
#include "engine/artifacts.hpp"

namespace cmd {
namespace {

struct ListWords {
  std::string format;
  bool no_trunc = false;
  bool no_heading = false;
  bool quiet = false;
};

std::string list_json(const std::vector<engine::Artifact>& artifacts) {
  base::JsonWriter json;
  json.begin_array();
  for (const engine::Artifact& artifact : artifacts) {
    const RepositoryAndTag name = split_image_name(artifact.name);
    json.begin_object().member("Digest", artifact.digest.text()).member("Repository", name.repository);
    json.member("Size", base::human_size(artifact.size_bytes)).member("Tag", name.tag);
    json.member("VirtualSize", artifact.size_bytes).end_object();
  }
  json.end_array();
  return json.take();
}

void print_artifacts(const std::vector<engine::Artifact>& artifacts, const ListWords& words) {
  const Form form = form_of(words.format);
  if (words.quiet) {
    std::string digests;
    for (const engine::Artifact& artifact : artifacts)
      digests += base::concat(shown_id(std::string{artifact.digest.hex()}, words.no_trunc), '\n');
    return print(digests);
  }
  if (form == Form::json) return print_line(indented_json(list_json(artifacts)));
  if (form == Form::text || form == Form::table)
    return Report("ls", artifact_shapes, "[]artifact.artifactListOutput", list_json(artifacts))
        .print_rows(words.format, {}, !words.no_heading);
  Table table{{"REPOSITORY", "TAG", "DIGEST", "SIZE"}};
  for (const engine::Artifact& artifact : artifacts) {
    const RepositoryAndTag name = split_image_name(artifact.name);
    table.add_row({name.repository, name.tag,
                   words.no_trunc ? artifact.digest.text() : shown_id(std::string{artifact.digest.hex()}, false),
                   base::human_size(artifact.size_bytes)});
  }
  print(table.text(!words.no_heading));
}

}  // namespace

Action declare_artifact_ls(OptionTable& table) {
  const auto words = std::make_shared<ListWords>();
  table.text("format", 0, "FORMAT", words->format, "table, json, or a Go template: {{.Repository}}:{{.Tag}}");
  table.flag("no-trunc", 0, words->no_trunc, "Show digests whole");
  table.flag("noheading", 'n', words->no_heading, "Leave the headings out");
  table.flag("quiet", 'q', words->quiet, "Show digests only");
  return [words](Invocation& invocation) {
    print_artifacts(engine::list_artifacts(invocation.engine()), *words);
    return 0;
  };
}

Action declare_artifact_inspect(OptionTable& table) {
  struct Words {
    std::string name;
    std::string format;
  };
  const auto words = std::make_shared<Words>();
  table.text("format", 'f', "FORMAT", words->format, "json, which is what is shown anyway").choices("json");
  table.word("ARTIFACT", words->name, "Name or digest");
  return [words](Invocation& invocation) {
    const engine::Artifact artifact = engine::require_artifact(invocation.engine(), words->name);
    base::JsonWriter json;
    json.begin_object().key("Manifest").raw(artifact.manifest);
    json.member("Name", artifact.name).member("Digest", artifact.digest.text()).end_object();
    print_line(indented_json(json.take()));
    return 0;
  };
}

}  // namespace cmd
