#include <memory>

#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/image/list_report.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/report.hpp"
#include "cmd/table.hpp"
#include "engine/image_views.hpp"

namespace cmd {
namespace {

constexpr std::size_t shown_step_bytes = 45;  // as podman and docker cut them

struct HistoryWords {
  std::string image;
  std::string format;
  bool human = true;
  bool no_trunc = false;
  bool quiet = false;
};

std::string shown_image(const engine::HistoryLine& line, const HistoryWords& words) {
  return line.id.empty() ? "<missing>" : shown_id(line.id, words.no_trunc);
}

/// Whole seconds, as podman shows times that are not for people.
std::string plain_time(const base::Time& time) {
  return base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(time));
}

std::string table_text(const std::vector<engine::HistoryLine>& lines, const HistoryWords& words) {
  Table table{{"ID", "CREATED", "CREATED BY", "SIZE", "COMMENT"}};
  for (const engine::HistoryLine& line : lines) {
    const std::string created = !line.created ? "" : words.human ? time_ago(*line.created) : plain_time(*line.created);
    table.add_row({shown_image(line, words), created,
                   words.no_trunc ? line.created_by : shortened(line.created_by, shown_step_bytes),
                   words.human ? image_size(line.size_bytes) : base::concat(line.size_bytes), line.comment});
  }
  return table.text(true);
}

std::string json_text(const std::vector<engine::HistoryLine>& lines) {
  base::JsonWriter json{4};
  json.begin_array();
  for (const engine::HistoryLine& line : lines) {
    const base::Time created = line.created.value_or(base::Time::min());
    json.begin_object();
    json.member("id", line.id.empty() ? std::string{"<missing>"} : line.id);
    json.member("created", base::format_rfc3339(created));
    json.member("CreatedBy", line.created_by);
    json.member("size", line.size_bytes);
    if (!line.comment.empty()) json.member("comment", line.comment);  // podman leaves out what is empty
    json.member("Created", plain_time(created));
    json.end_object();
  }
  json.end_array();
  return json.take();
}

}  // namespace

Action declare_history(OptionTable& table) {
  const auto words = std::make_shared<HistoryWords>();
  table.text("format", 0, "FORMAT", words->format, "table, json, or a Go template: {{.CreatedBy}}");
  table.flag("human", 'H', words->human, "Show times and sizes for people");
  table.flag("no-trunc", 0, words->no_trunc, "Show ids and steps whole");
  table.flag("quiet", 'q', words->quiet, "Show ids only");
  table.word("IMAGE", words->image, "Name or id").completes = Completes::images;
  return [words](Invocation& invocation) {
    const Form form = form_of(words->format);
    const std::vector<engine::HistoryLine> lines = engine::image_history(invocation.engine(), words->image);
    if (form == Form::text || form == Form::table) {
      print_history(lines, words->format, words->no_trunc, words->human);
      return 0;
    }
    if (words->quiet) {
      for (const engine::HistoryLine& line : lines) print_line(shown_image(line, *words));
      return 0;
    }
    if (form == Form::own)
      print(table_text(lines, *words));
    else
      print_line(json_text(lines));
    return 0;
  };
}

}  // namespace cmd
