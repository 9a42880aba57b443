#include "cmd/container/list_report.hpp"

#include <algorithm>
#include <iterator>

#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/container/list.hpp"
#include "cmd/format.hpp"
#include "cmd/report.hpp"
#include "cmd/shapes.hpp"
#include "cmd/table.hpp"
#include "engine/list.hpp"
#include "engine/published_ports.hpp"

namespace cmd {
namespace {

using base::JsonWriter;
using engine::ContainerSummary;

constexpr std::int64_t never = -62135596800;  // Go's zero time

// Made when it is asked for: a global would be made at every start.
Headings list_headings() {
  return {{"Cgroup", "CGROUPNS"},
          {"CreatedHuman", "CREATED"},
          {"ID", "CONTAINER ID"},
          {"IPC", "IPC"},
          {"MNT", "MNT"},
          {"NET", "NET"},
          {"Networks", "NETWORKS"},
          {"PIDNS", "PIDNS"},
          {"Pod", "POD ID"},
          {"PodName", "PODNAME"},
          {"RunningFor", "RUNNING FOR"},
          {"UTS", "UTS"},
          {"User", "USERNS"}};
}

std::int64_t seconds_of(const std::optional<base::Time>& time) {
  return time ? unix_seconds(*time) : never;
}

std::string state_of(const ContainerSummary& container) {
  if (container.status == "unmonitored") return "running";
  return container.status;
}

/// What podman has in entities.ListContainer.
void add_data(JsonWriter& json, const ContainerSummary& container) {
  json.member("AutoRemove", container.auto_remove).member("Command", container.command);
  if (container.created) json.member("Created", base::format_rfc3339(*container.created));
  json.member("Exited", container.finished.has_value() && state_of(container) == "exited");
  json.member("ExitedAt", seconds_of(container.finished)).member("ExitCode", container.exit_code);
  json.member("Id", container.id).member("Image", container.image).member("ImageID", container.image_id);
  json.member("IsInfra", false).key("Labels");
  container.labels.empty() ? json.null() : json.value(container.labels);
  json.member("Mounts", container.mounts);
  json.member("Names", std::vector<std::string>{container.name});
  json.key("Networks").begin_array().end_array();
  json.member("Pid", container.pid).member("StartedAt", seconds_of(container.started));
  json.member("State", state_of(container));
}

/// What podman has as methods of psReporter.
void add_methods(JsonWriter& json, const ContainerSummary& container, const std::string& size, bool whole) {
  const std::string command = base::join(container.command, " ");
  const std::string ago = container.created ? time_ago(*container.created) : "";
  json.member("Command()", whole ? command : shortened(command, 20)).member("CreatedAt()", go_time(container.created));
  json.member("CreatedHuman()", ago).member("RunningFor()", ago);
  json.member("ID()", shown_id(container.id, whole)).member("ImageID()", shown_id(container.image_id, whole));
  json.member("Names()", container.name).member("Networks()", "");
  json.member("Ports()", engine::ports_text(engine::published_ports(container.ports))).member("Size()", size);
  json.member("Status()", status_text(container));
  json.member("LocalVolumes()", static_cast<std::uint64_t>(container.mounts.size()));
}

}  // namespace

void print_containers(const std::vector<ContainerSummary>& containers, const std::vector<std::string>& sizes,
                      const std::string& format, bool whole, bool with_headings) {
  JsonWriter json;
  json.begin_array();
  const bool names_namespaces =
      std::any_of(std::begin(namespace_fields), std::end(namespace_fields),
                  [&](const auto& field) { return format.find(base::concat(".", field.first)) != std::string::npos; });
  for (std::size_t i = 0; i < containers.size(); ++i) {
    json.begin_object();
    add_data(json, containers[i]);
    add_methods(json, containers[i], sizes.empty() ? "" : sizes[i], whole);
    if (names_namespaces)
      for (const auto& [field, type] : namespace_fields)
        json.member(base::concat(field, "()"), engine::namespace_number(containers[i].pid, type));
    json.end_object();
  }
  json.end_array();
  // podman names the fields of namespaces so, too.
  std::string text = format;
  constexpr std::string_view long_name = ".Namespaces.";
  for (std::size_t at = text.find(long_name); at != std::string::npos; at = text.find(long_name, at + 1))
    text.replace(at, long_name.size(), ".");
  Report("ps", list_shapes, "[]containers.psReporter", json.text()).print_rows(text, list_headings(), with_headings);
}

}  // namespace cmd
