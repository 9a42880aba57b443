#include <memory>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/image/list.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/report.hpp"
#include "cmd/shapes.hpp"
#include "cmd/table.hpp"
#include "engine/upkeep.hpp"

namespace cmd {
namespace {

using base::concat;
using base::human_size;

struct UsageWords {
  std::string format;
  bool verbose = false;
};

/// "168MB (59%)"
std::string reclaimable_text(const engine::UsageLine& line) {
  const std::uint64_t percent =
      line.size_bytes == 0 ? 0 : (line.reclaimable_bytes * 100 + line.size_bytes / 2) / line.size_bytes;
  return concat(human_size(line.reclaimable_bytes), " (", percent, "%)");
}

std::string summary_text(const engine::SystemUsage& usage) {
  Table table{{"TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"}};
  for (const engine::UsageLine& line : usage.lines)
    table.add_row(
        {line.type, concat(line.total), concat(line.active), human_size(line.size_bytes), reclaimable_text(line)});
  return table.text(true);
}

std::string summary_json(const engine::SystemUsage& usage) {
  base::JsonWriter json{4};
  json.begin_array();
  for (const engine::UsageLine& line : usage.lines) {
    json.begin_object();
    json.member("Type", line.type).member("Total", line.total).member("Active", line.active);
    json.member("RawSize", line.size_bytes).member("RawReclaimable", line.reclaimable_bytes);
    json.member("TotalCount", line.total);
    json.member("Size", human_size(line.size_bytes)).member("Reclaimable", reclaimable_text(line));
    json.end_object();
  }
  json.end_array();
  return json.take();
}

void print_by_template(const engine::SystemUsage& usage, const std::string& format) {
  base::JsonWriter json;
  json.begin_array();
  for (const engine::UsageLine& line : usage.lines) {
    json.begin_object().member("Type", line.type).member("Total", line.total).member("Active", line.active);
    json.member("Size", line.size_bytes).member("Reclaimable", line.reclaimable_bytes);
    json.member("Size()", human_size(line.size_bytes)).member("Reclaimable()", reclaimable_text(line)).end_object();
  }
  json.end_array();
  Report("df", usage_shapes, "[]*system.dfSummary", json.text())
      .print_rows(format, {{"Size", "SIZE"}, {"Reclaimable", "RECLAIMABLE"}});
}

std::string images_text(const engine::SystemUsage& usage) {
  Table table{{"REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "UNIQUE SIZE", "COMPRESSED",
               "CONTAINERS", "KEPT BY"}};
  for (const engine::ImageUsage& image : usage.images) {
    const RepositoryAndTag name = split_image_name(image.names.empty() ? "" : image.names.front());
    std::vector<std::string> keepers = image.containers;
    for (std::string& keeper : keepers) keeper.insert(0, "container ");
    for (const std::string& tag : image.names) keepers.push_back(concat("name ", tag));
    table.add_row({name.repository, name.tag, shown_id(image.id, false), image.created ? time_ago(*image.created) : "",
                   human_size(image.size_bytes), human_size(image.shared_bytes),
                   human_size(image.size_bytes - image.shared_bytes), human_size(image.compressed_bytes),
                   concat(image.containers.size()),
                   keepers.empty() ? "nothing: engine image prune" : base::join(keepers, ", ")});
  }
  return concat("Images space usage:\n\n", table.text(true));
}

std::string containers_text(const engine::SystemUsage& usage) {
  Table table{{"CONTAINER ID", "IMAGE", "COMMAND", "LOCAL VOLUMES", "SIZE", "CREATED", "STATUS", "NAMES"}};
  for (const engine::ContainerUsage& container : usage.containers)
    table.add_row({shown_id(container.id, false), shown_id(container.image_id, false),
                   shortened(base::join(container.command, " "), 20), concat(container.volumes),
                   human_size(container.size_bytes), container.created ? time_ago(*container.created) : "",
                   container.status, container.name});
  return concat("Containers space usage:\n\n", table.text(true));
}

std::string volumes_text(const engine::SystemUsage& usage) {
  Table table{{"VOLUME NAME", "LINKS", "SIZE", "KEPT BY"}};
  for (const engine::VolumeUsage& volume : usage.volumes)
    table.add_row({volume.name, concat(volume.containers.size()), human_size(volume.size_bytes),
                   volume.containers.empty() ? "nothing: engine volume prune"
                                             : concat("container ", base::join(volume.containers, ", container "))});
  return concat("Local Volumes space usage:\n\n", table.text(true));
}

std::string others_text(const engine::SystemUsage& usage) {
  if (usage.others.empty()) return {};
  Table table{{"WHAT", "SIZE", "KEPT BY"}};
  for (const engine::OtherUsage& other : usage.others)
    table.add_row({other.what, human_size(other.size_bytes), other.why});
  return concat("\nOther space usage:\n\n", table.text(true));
}

}  // namespace

Action declare_system_df(OptionTable& table) {
  const auto words = std::make_shared<UsageWords>();
  table.text("format", 0, "FORMAT", words->format, "table, json, or a Go template: {{.Type}} {{.Size}}");
  table.flag("verbose", 'v', words->verbose, "Show every image, container and volume, and what keeps it");
  return [words](Invocation& invocation) {
    const Form form = form_of(words->format);
    if (words->verbose && !words->format.empty())
      throw base::make_error(base::ErrorKind::invalid_argument, "--verbose excludes --format");
    const engine::SystemUsage usage = engine::disk_usage(invocation.engine());
    if (form == Form::text || form == Form::table) {
      print_by_template(usage, words->format);
    } else if (form == Form::json) {
      print_line(summary_json(usage));
    } else if (words->verbose) {
      print(concat(images_text(usage), '\n', containers_text(usage), '\n', volumes_text(usage), others_text(usage)));
    } else {
      print(summary_text(usage));
    }
    return 0;
  };
}

}  // namespace cmd
