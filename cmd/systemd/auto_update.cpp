#include "engine/auto_update.hpp"

#include <memory>

#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/exit_code.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/report.hpp"
#include "cmd/table.hpp"

namespace cmd {
namespace {

constexpr std::string_view update_shapes = R"(systemd.autoUpdateOutput
  Unit string
  Container string
  ContainerName string
  ContainerID string
  Image string
  Policy string
  Updated string
)";

struct UpdateWords {
  engine::AutoUpdateOptions options;
  std::string format;
};

std::string container_text(const engine::AutoUpdated& one) {
  return base::concat(shown_id(one.container_id, false), " (", one.container_name, ')');
}

std::string objects_of(const std::vector<engine::AutoUpdated>& reports) {
  base::JsonWriter json;
  json.begin_array();
  for (const engine::AutoUpdated& one : reports) {
    json.begin_object().member("Unit", one.unit).member("Container", container_text(one));
    json.member("ContainerName", one.container_name).member("ContainerID", one.container_id);
    json.member("Image", one.image).member("Policy", one.policy).member("Updated", one.updated).end_object();
  }
  json.end_array();
  return json.take();
}

void print_reports(const std::vector<engine::AutoUpdated>& reports, const std::string& format) {
  const Form form = form_of(format);
  if (form == Form::json) return print_line(indented_json(objects_of(reports), 4));
  if (form != Form::own)
    return Report("auto-update", update_shapes, "[]systemd.autoUpdateOutput", objects_of(reports))
        .print_rows(format, {});
  Table table{{"UNIT", "CONTAINER", "IMAGE", "POLICY", "UPDATED"}};
  for (const engine::AutoUpdated& one : reports)
    table.add_row({one.unit, container_text(one), one.image, one.policy, one.updated});
  if (!reports.empty()) print(table.text(true));
}

int update(Invocation& invocation, const UpdateWords& words) {
  const std::vector<engine::AutoUpdated> reports = engine::auto_update(invocation.engine(), words.options);
  print_reports(reports, words.format);
  int code = 0;
  for (const engine::AutoUpdated& one : reports) {
    if (one.error.empty()) continue;
    print_error(base::make_error(base::ErrorKind::internal, one.updated == "rolled back" ? "rolled back " : "updating ",
                                 one.unit, one.unit.empty() ? "" : ", ", "container ", base::quoted(one.container_name),
                                 ": ", one.error));
    code = exit_failed;
  }
  return code;
}

}  // namespace

Action declare_auto_update(OptionTable& table) {
  const auto words = std::make_shared<UpdateWords>();
  table.text("authfile", 0, "FILE", words->options.auth_file, "Logins of registries").offers(Completes::files);
  table.flag("dry-run", 0, words->options.dry_run, "Show what would be updated");
  table.text("format", 0, "FORMAT", words->format, "table, json, or a Go template: {{.Unit}} {{.Updated}}");
  table.flag("rollback", 0, words->options.rollback, "Go back to the former image when a unit does not come up");
  table.flag("tls-verify", 0, words->options.tls_verify, "Whether registries must prove who they are");
  return [words](Invocation& invocation) { return update(invocation, *words); };
}

}  // namespace cmd
