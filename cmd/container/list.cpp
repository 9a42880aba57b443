#include "cmd/container/list.hpp"

#include <algorithm>
#include <memory>
#include <numeric>
#include <thread>

#include "base/error.hpp"
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
  bool size = false, namespaces = false, pod = false;
  unsigned watch_seconds = 0;
};

/// The containers, and what is looked up only when asked for.
struct Listed {
  std::vector<ContainerSummary> containers;
  std::vector<engine::ContainerBytes> sizes;  ///< Of each, or empty.
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
void sort_by(Listed& listed, const std::string& key) {
  std::vector<std::size_t> order(listed.containers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (key == "size") std::reverse(order.begin(), order.end());  // as podman: of equal ones the older one
  const auto comes_before = [&](std::size_t one, std::size_t other) {
    const ContainerSummary &left = listed.containers[one], &right = listed.containers[other];
    if (key == "size") return listed.sizes[one].all < listed.sizes[other].all;
    if (key == "id") return left.id < right.id;
    if (key == "names") return left.name < right.name;
    if (key == "image") return left.image < right.image;
    if (key == "command") return left.command < right.command;
    if (key == "status") return left.status < right.status;
    return running_for(left) < running_for(right);
  };
  std::stable_sort(order.begin(), order.end(), comes_before);
  Listed sorted;
  sorted.containers.reserve(order.size());
  for (const std::size_t i : order) {
    sorted.containers.push_back(std::move(listed.containers[i]));
    if (!listed.sizes.empty()) sorted.sizes.push_back(listed.sizes[i]);
  }
  listed = std::move(sorted);
}

std::string size_text(const engine::ContainerBytes& bytes) {
  return concat(base::human_size(bytes.writable), " (virtual ", base::human_size(bytes.all), ")");
}

Table table_of(const Listed& listed, const ListWords& words) {
  std::vector<std::string> headings{"CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"};
  if (words.pod) headings.insert(headings.end(), {"POD ID", "PODNAME"});
  if (words.size) headings.emplace_back("SIZE");
  Table table{std::move(headings)};
  for (std::size_t i = 0; i < listed.containers.size(); ++i) {
    const ContainerSummary& container = listed.containers[i];
    std::string command = command_text_of(container);
    std::vector<std::string> cells;  // not a list of all, which would copy them
    cells.reserve(10);
    cells.push_back(shown_id(container.id, words.no_trunc));
    cells.push_back(container.image);
    cells.push_back(words.no_trunc ? std::move(command) : shortened(command, 20));
    cells.push_back(container.created ? time_ago(*container.created) : "");
    cells.push_back(status_text(container));
    cells.push_back(engine::ports_text(engine::published_ports(container.ports)));
    cells.push_back(container.name);
    if (words.pod) cells.insert(cells.end(), 2, std::string{});
    if (words.size) cells.push_back(size_text(listed.sizes[i]));
    table.add_row(std::move(cells));
  }
  return table;
}

constexpr std::pair<const char*, const char*> namespaces[] = {
    {"CGROUPNS", "cgroup"}, {"IPC", "ipc"},     {"MNT", "mnt"}, {"NET", "net"},
    {"PIDNS", "pid"},       {"USERNS", "user"}, {"UTS", "uts"}};

/// --ns
Table table_of_namespaces(const Listed& listed, const ListWords& words) {
  std::vector<std::string> headings{"CONTAINER ID", "NAMES", "PID"};
  for (const auto& [heading, type] : namespaces) headings.emplace_back(heading);
  Table table{std::move(headings)};
  for (const ContainerSummary& container : listed.containers) {
    std::vector<std::string> cells{shown_id(container.id, words.no_trunc), container.name, concat(container.pid)};
    for (const auto& [heading, type] : namespaces) cells.push_back(engine::namespace_number(container.pid, type));
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

void add_size(base::JsonWriter& json, const engine::ContainerBytes* bytes) {
  json.key("Size");
  if (bytes == nullptr) {
    json.null();
    return;
  }
  json.begin_object().member("rootFsSize", bytes->all).member("rwSize", bytes->writable).end_object();
}

void add_object(base::JsonWriter& json, const ContainerSummary& container, const engine::ContainerBytes* bytes,
                bool with_namespaces) {
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
  json.key("Namespaces").begin_object();
  if (with_namespaces)
    for (const auto& [field, type] : namespace_fields) {
      const std::string number = engine::namespace_number(container.pid, type);
      if (!number.empty()) json.member(concat(field[0], base::to_lower(field + 1)), number);
    }
  json.end_object();
  json.key("Networks").begin_array().end_array();
  json.member("Pid", container.pid);
  json.member("Pod", "").member("PodName", "");
  add_ports(json, container);
  add_size(json, bytes);
  add_time(json, "StartedAt", container.started);
  json.member("State", container.status == "unmonitored" ? "running" : container.status);
  json.member("Status", status_text(container));
  add_time(json, "Created", container.created);
  json.end_object();
}

void print_list(const Listed& listed, const ListWords& words) {
  const Form form = form_of(words.format);
  if (form == Form::text || form == Form::table) {
    std::vector<std::string> sizes;
    for (const engine::ContainerBytes& bytes : listed.sizes) sizes.push_back(size_text(bytes));
    return print_containers(listed.containers, sizes, words.format, words.no_trunc, !words.no_heading);
  }
  if (words.quiet) {
    std::string ids;
    for (const ContainerSummary& container : listed.containers)
      ids += concat(shown_id(container.id, words.no_trunc), '\n');
    return print(ids);
  }
  if (form == Form::own && words.namespaces) return print(table_of_namespaces(listed, words).text(!words.no_heading));
  if (form == Form::own) return print(table_of(listed, words).text(!words.no_heading));
  base::JsonWriter json{2};
  json.begin_array();
  for (std::size_t i = 0; i < listed.containers.size(); ++i)
    add_object(json, listed.containers[i], listed.sizes.empty() ? nullptr : &listed.sizes[i], words.namespaces);
  json.end_array();
  print_line(json.text());
}

/// Once, or again and again. False, when a container could not be read.
bool list_once(engine::Engine& engine, const ListWords& words) {
  engine::ListOptions options = words.options;
  if (words.latest) options.last = 1;
  options.all = options.all || options.last > 0;
  bool is_incomplete = false;
  Listed listed{engine::list_containers(engine, options, is_incomplete), {}};
  const bool shows_sizes = words.size || words.format.find(".Size") != std::string::npos;
  const bool wants_sizes = shows_sizes || words.sort == "size";
  if (wants_sizes) {
    std::vector<std::string> ids;
    for (const ContainerSummary& container : listed.containers) ids.push_back(container.id);
    listed.sizes = engine::container_sizes(engine, ids);
  }
  if (words.sort == "created") {
    std::reverse(listed.containers.begin(), listed.containers.end());
    std::reverse(listed.sizes.begin(), listed.sizes.end());
  } else {
    sort_by(listed, words.sort);
  }
  if (!shows_sizes) listed.sizes.clear();
  print_list(listed, words);
  return !is_incomplete;
}

/// Of options that have one meaning only: podman's refusals.
void check(const ListWords& words) {
  const auto refuse = [](std::string_view text) {
    throw base::Error{base::ErrorKind::invalid_argument, std::string{text}};
  };
  if (words.options.last > 0 && words.latest) refuse("last and latest are mutually exclusive");
  if (words.quiet && words.namespaces) refuse("quiet and namespace are mutually exclusive");
  if (words.quiet && words.size) refuse("quiet and size are mutually exclusive");
  if (words.size && words.namespaces) refuse("size and namespace options conflict");
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
  table.known("external", 0, OptionKind::flag, Treatment::ignored);
  table.list("filter", 'f', "NAME=VALUE", words->options.filters,
             "Show only what fits: id, name, label, status, exited, ancestor, volume, network, health, before, since, "
             "until, command, restart-policy");
  table.text("format", 0, "FORMAT", words->format, "table, json, or a Go template: table {{.ID}} {{.Status}}");
  table.number("last", 'n', "COUNT", &words->options.last, "Show that many of the newest, running or not");
  table.flag("latest", 'l', words->latest, "Show the newest container, running or not");
  table.flag("no-trunc", 0, words->no_trunc, "Show ids and commands whole");
  table.flag("noheading", 0, words->no_heading, "Leave the headings out");
  table.flag("ns", 0, words->namespaces, "Show the namespaces of each container's first process");
  table.flag("pod", 'p', words->pod, "Show the pod that each container is in");
  table.flag("quiet", 'q', words->quiet, "Show ids only");
  table.flag("size", 's', words->size, "Show how much each container has written, and that with its image");
  table.text("sort", 0, "KEY", words->sort, "Order of the lines")
      .choices("command|created|id|image|names|runningfor|size|status");
  table.known("storage", 0, OptionKind::flag, Treatment::ignored).hide();
  table.known("sync", 0, OptionKind::flag, Treatment::ignored);
  table.number("watch", 'w', "SECONDS", &words->watch_seconds, "Show it again after so long, until it is interrupted");
  return [words](Invocation& invocation) {
    check(*words);
    engine::Engine& engine = invocation.engine();
    while (words->watch_seconds > 0) {
      print("\033[2J\033[1;1H");  // as podman: clear the screen, go to its corner
      list_once(engine, *words);
      std::this_thread::sleep_for(std::chrono::seconds{words->watch_seconds});
    }
    return list_once(engine, *words) ? 0 : exit_failed;
  };
}

}  // namespace cmd
