#include "cmd/image/list_report.hpp"

#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/format.hpp"
#include "cmd/report.hpp"
#include "cmd/shapes.hpp"
#include "cmd/table.hpp"

namespace cmd {
namespace {

using base::JsonWriter;

constexpr std::size_t shown_step_bytes = 45;  // as podman and docker cut them

void add_image(JsonWriter& json, const ImageLine& line, bool whole) {
  const engine::ImageSummary& image = *line.image;
  const std::string ago = image.created ? time_ago(*image.created) : "";
  const bool dangling = image.names.empty();
  json.begin_object().member("Repository", line.name.repository).member("Tag", line.name.tag);
  json.member("Id", image.id).member("ParentId", "").member("RepoTags", image.names);
  json.member("RepoDigests", image.repo_digests).member("Created", image.created ? unix_seconds(*image.created) : 0);
  json.member("Size", image.size_bytes).member("SharedSize", 0).member("VirtualSize", image.size_bytes);
  json.key("Labels");
  image.labels.empty() ? json.null() : json.value(image.labels);
  json.member("Containers", image.containers).member("ReadOnly", image.read_only).member("Dangling", dangling);
  json.member("Names", image.names).member("Digest", image.digest).member("History", image.names);
  json.member("ID()", whole ? base::concat("sha256:", image.id) : shown_id(image.id, false));
  json.member("Created()", ago).member("CreatedSince()", ago);
  json.member("CreatedAt()", go_time(image.created)).member("CreatedTime()", go_time(image.created));
  json.member("History()", base::join(image.names, ", ")).member("IsDangling()", dangling);
  json.member("IsReadOnly()", image.read_only).member("Size()", image_size(image.size_bytes)).end_object();
}

void add_step(JsonWriter& json, const engine::HistoryLine& line, bool whole, bool for_people) {
  const std::string id = line.id.empty() ? "<missing>" : line.id;
  const std::string ago = line.created ? time_ago(*line.created) : "";
  json.begin_object().member("id", id).member("CreatedBy", line.created_by).member("size", line.size_bytes);
  if (line.created) json.member("created", base::format_rfc3339(*line.created));
  json.member("comment", line.comment);
  json.member("ID()", line.id.empty() ? id : shown_id(id, whole)).member("CreatedSince()", ago);
  const base::Time whole_seconds = std::chrono::floor<std::chrono::seconds>(line.created.value_or(base::Time::min()));
  json.member("Created()", for_people ? ago : base::format_rfc3339(whole_seconds));
  json.member("CreatedAt()", go_time(line.created));
  json.member("CreatedBy()", whole ? line.created_by : shortened(line.created_by, shown_step_bytes));
  json.member("Size()", image_size(line.size_bytes)).end_object();
}

}  // namespace

void print_images(const std::vector<ImageLine>& lines, const std::string& format, bool whole, bool with_headings) {
  JsonWriter json;
  json.begin_array();
  for (const ImageLine& line : lines) add_image(json, line, whole);
  json.end_array();
  Report("images", image_shapes, "[]images.imageReporter", json.text())
      .print_rows(format, {{"ID", "IMAGE ID"}, {"ReadOnly", "R/O"}}, with_headings);
}

void print_history(const std::vector<engine::HistoryLine>& lines, const std::string& format, bool whole,
                   bool for_people) {
  JsonWriter json;
  json.begin_array();
  for (const engine::HistoryLine& line : lines) add_step(json, line, whole, for_people);
  json.end_array();
  Report("history", image_shapes, "[]images.historyReporter", json.text()).print_rows(format, {});
}

}  // namespace cmd
