#include "cmd/container/list.hpp"

#include <algorithm>
#include <memory>

#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/container/list_report.hpp"
#include "cmd/exit_code.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/report.hpp"
#include "cmd/table.hpp"
#include "engine/list.hpp"
#include "engine/published_ports.hpp"

namespace cmd {
namespace {

using base::concat;
using engine::ContainerSummary;

struct ListWords {
  engine::ListOptions options;
  std::string format;
  std::string sort = "created";
  bool latest = false;
  bool quiet = false;
  bool no_trunc = false;
  bool no_heading = false;
};

std::string command_text_of(const ContainerSummary& container) {
  return base::join(container.command, " ");
}

bool is_up(const ContainerSummary& container) {
  return container.status == "running" || container.status == "unmonitored" || container.status == "stopping";
}

/// Seconds the container has been running, or minus the seconds since it ended, for --sort.
std::chrono::nanoseconds running_for(const ContainerSummary& container) {
  const base::Time fallback{};
  return base::now() - (is_up(container) ? container.started.value_or(fallback) : container.created.value_or(fallback));
}

/// @param containers  Newest first.
void sort_by(std::vector<ContainerSummary>& containers, const std::string& key) {
  if (key == "created") return std::reverse(containers.begin(), containers.end());
  const auto comes_before = [&key](const ContainerSummary& left, const ContainerSummary& right) {
    if (key == "id") return left.id < right.id;
    if (key == "names") return left.name < right.name;
    if (key == "image") return left.image < right.image;
    if (key == "command") return left.command < right.command;
    if (key == "status") return left.status < right.status;
    return running_for(left) < running_for(right);
  };
  std::stable_sort(containers.begin(), containers.end(), comes_before);
}

Table table_of(const std::vector<ContainerSummary>& containers, bool no_trunc) {
  Table table{{"CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"}};
  for (const ContainerSummary& container : containers) {
    std::string command = command_text_of(container);
    std::vector<std::string> cells;  // not a list of all, which would copy them
    cells.reserve(7);
    cells.push_back(shown_id(container.id, no_trunc));
    cells.push_back(container.image);
    cells.push_back(no_trunc ? std::move(command) : shortened(command, 20));
    cells.push_back(container.created ? time_ago(*container.created) : "");
    cells.push_back(status_text(container));
    cells.push_back(engine::ports_text(engine::published_ports(container.ports)));
    cells.push_back(container.name);
    table.add_row(std::move(cells));
  }
  return table;
}

void add_time(base::JsonWriter& json, std::string_view key, const std::optional<base::Time>& time) {
  json.member(key, time ? unix_seconds(*time) : std::int64_t{-62135596800});  // Go's zero time
}

void add_ports(base::JsonWriter& json, const ContainerSummary& container) {
  json.key("Ports");
  if (container.ports.empty()) {
    json.null();
    return;
  }
  json.begin_array();
  for (const rootless::PortMapping& mapping : engine::published_ports(container.ports)) {
    json.begin_object().member("host_ip", mapping.host_ip);
    json.member("container_port", static_cast<std::uint64_t>(mapping.container_port));
    json.member("host_port", static_cast<std::uint64_t>(mapping.host_port));
    json.member("range", static_cast<std::uint64_t>(mapping.count)).member("protocol", mapping.protocol).end_object();
  }
  json.end_array();
}

void add_object(base::JsonWriter& json, const ContainerSummary& container) {
  json.begin_object();
  json.member("AutoRemove", container.auto_remove);
  json.member("Command", container.command);
  json.member("CreatedAt", container.created ? time_ago(*container.created) : "");
  json.member("Exited", !is_up(container) && container.finished.has_value());
  add_time(json, "ExitedAt", container.finished);
  json.member("ExitCode", container.exit_code);
  json.member("Id", container.id);
  json.member("Image", container.image);
  json.member("ImageID", container.image_id);
  json.member("IsInfra", false);
  json.key("Labels");
  container.labels.empty() ? json.null() : json.value(container.labels);
  json.member("Mounts", container.mounts);
  json.member("Names", std::vector<std::string>{container.name});
  json.key("Networks").begin_array().end_array();
  json.member("Pid", container.pid);
  json.member("Pod", "").member("PodName", "");
  add_ports(json, container);
  json.key("Size").null();
  add_time(json, "StartedAt", container.started);
  json.member("State", container.status == "unmonitored" ? "running" : container.status);
  json.member("Status", status_text(container));
  add_time(json, "Created", container.created);
  json.end_object();
}

void print_list(const std::vector<ContainerSummary>& containers, const ListWords& words) {
  const Form form = form_of(words.format);
  if (form == Form::text || form == Form::table)
    return print_containers(containers, words.format, words.no_trunc, !words.no_heading);
  if (words.quiet) {
    std::string ids;
    for (const ContainerSummary& container : containers) ids += concat(shown_id(container.id, words.no_trunc), '\n');
    return print(ids);
  }
  if (form == Form::own) return print(table_of(containers, words.no_trunc).text(!words.no_heading));
  base::JsonWriter json{2};
  json.begin_array();
  for (const ContainerSummary& container : containers) add_object(json, container);
  json.end_array();
  print_line(json.text());
}

void declare_unsupported(OptionTable& table) {
  table.known("external", 0, OptionKind::flag, Treatment::ignored);
  table.known("sync", 0, OptionKind::flag, Treatment::ignored);
  table.known("ns", 0, OptionKind::flag, Treatment::refused);
  table.known("pod", 'p', OptionKind::flag, Treatment::refused);
  table.known("size", 's', OptionKind::flag, Treatment::refused);
  table.known("watch", 'w', OptionKind::text, Treatment::refused);
}

}  // namespace

std::string status_text(const ContainerSummary& container) {
  const std::string since_start = container.started
                                      ? base::human_duration(std::chrono::duration_cast<std::chrono::seconds>(
                                            std::max(base::now() - *container.started, std::chrono::nanoseconds{0})))
                                      : "";
  if (container.status == "running")
    return concat("Up ", since_start, container.health.empty() ? "" : concat(" (", container.health, ")"));
  if (container.status == "unmonitored") return concat("Up ", since_start, " (unmonitored)");
  if (container.status == "exited") {
    return concat("Exited (", container.exit_code, ")",
                  container.finished ? concat(' ', time_ago(*container.finished)) : "");
  }
  std::string text = container.status;
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z') text.front() = static_cast<char>(text.front() - 32);
  return text;
}

Action declare_ps(OptionTable& table) {
  const auto words = std::make_shared<ListWords>();
  table.flag("all", 'a', words->options.all, "Show containers that are not running as well");
  table.list("filter", 'f', "NAME=VALUE", words->options.filters,
             "Show only what fits: id, name, label, status, exited, ancestor, volume, network, health, restart-policy");
  table.text("format", 0, "FORMAT", words->format, "table, json, or a Go template: table {{.ID}} {{.Status}}");
  table.number("last", 'n', "COUNT", &words->options.last, "Show that many of the newest, running or not");
  table.flag("latest", 'l', words->latest, "Show the newest container, running or not");
  table.flag("no-trunc", 0, words->no_trunc, "Show ids and commands whole");
  table.flag("noheading", 0, words->no_heading, "Leave the headings out");
  table.flag("quiet", 'q', words->quiet, "Show ids only");
  table.text("sort", 0, "KEY", words->sort, "Order of the lines")
      .choices("command|created|id|image|names|runningfor|status");
  declare_unsupported(table);
  return [words](Invocation& invocation) {
    engine::ListOptions options = words->options;
    if (words->latest) options.last = 1;
    options.all = options.all || options.last > 0;
    bool is_incomplete = false;
    std::vector<ContainerSummary> containers = engine::list_containers(invocation.engine(), options, is_incomplete);
    sort_by(containers, words->sort);
    print_list(containers, *words);
    return is_incomplete ? exit_failed : 0;
  };
}

}  // namespace cmd
