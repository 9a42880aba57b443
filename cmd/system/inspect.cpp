#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/each.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/network/networks.hpp"
#include "cmd/output.hpp"
#include "cmd/report.hpp"
#include "cmd/shapes.hpp"
#include "engine/list.hpp"
#include "engine/networks.hpp"

namespace cmd {
namespace {

struct InspectWords {
  std::vector<std::string> names;
  std::string type = "all";
  std::string format;
  bool latest = false;
  bool size = false;
};

/// Containers come before images, images before volumes, volumes before networks. Source: podman-inspect(1).
std::optional<Report::Object> look_up(engine::Engine& engine, const std::string& type, const std::string& name) {
  const bool all = type == "all";
  if (all || type == "container")
    if (auto found = engine::inspect_container(engine, name))
      return Report::Object{"*entities.ContainerInspectReport", std::move(*found)};
  if (all || type == "image")
    if (auto found = engine::inspect_image(engine, name))
      return Report::Object{"*entities.ImageInspectReport", std::move(*found)};
  if (all || type == "volume")
    if (auto found = engine::inspect_volume(engine, name))
      return Report::Object{"*entities.VolumeInspectReport", std::move(*found)};
  if (all || type == "network")
    if (const auto found = engine::find_network(name))
      return Report::Object{"types.Network", engine::inspect_network(*found)};
  return std::nullopt;
}

/// --size
void add_sizes(engine::Engine& engine, Report::Object& container) {
  const std::string id = base::JsonAt::parse(container.json, "inspect").at("Id").string();
  const engine::ContainerBytes bytes = engine::container_sizes(engine, {id}).front();
  container.json.pop_back();  // its brace
  container.json += base::concat(R"(,"SizeRw":)", bytes.writable, R"(,"SizeRootFs":)", bytes.all, '}');
}

/// Older names that podman's templates may use.
std::string with_present_names(std::string format) {
  constexpr std::pair<std::string_view, std::string_view> names[] = {
      {".Src", ".Source"}, {".Dst", ".Destination"}, {".ImageID", ".Image"}, {".State.Healthcheck", ".State.Health"}};
  for (const auto& [old_name, name] : names)
    for (std::size_t at = format.find(old_name); at != std::string::npos; at = format.find(old_name, at + name.size()))
      format.replace(at, old_name.size(), name);
  return format;
}

void print_objects(const std::vector<Report::Object>& objects, const std::string& format) {
  const Form form = form_of(format);
  if (form == Form::text || form == Form::table)
    return Report("inspect", {container_shapes, image_shapes, volume_shapes, network_shapes}, objects)
        .print_rows(with_present_names(format), {});
  std::vector<std::string> texts;
  for (const Report::Object& object : objects) texts.push_back(object.json);
  print_line(indented_json(base::concat('[', base::join(texts, ","), ']'), inspect_indent));
}

/// Prints one array of what was found; what was not is an error after the others had their turn.
int inspect_all(Invocation& invocation, const InspectWords& words) {
  std::vector<std::string> names = words.names;
  if (words.latest && !names.empty())
    throw base::Error{base::ErrorKind::invalid_argument, "--latest goes without names"};
  if (words.latest) names.push_back(latest_container(invocation));
  if (names.empty()) {
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(invocation.command_path),
                           " needs at least one NAME")
        .with_hint(base::concat("see ", invocation.command_path, " --help"));
  }
  std::vector<Report::Object> objects;
  const int code = for_each_name(names, [&](const std::string& name) {
    auto found = look_up(invocation.engine(), words.type, name);
    if (!found) {
      throw base::make_error(base::ErrorKind::not_found, "no such ", words.type == "all" ? "object" : words.type, ": ",
                             base::quoted(name));
    }
    if (words.size && found->type == "*entities.ContainerInspectReport") add_sizes(invocation.engine(), *found);
    objects.push_back(std::move(*found));
  });
  print_objects(objects, words.format);
  return code;
}

void declare_inspect_options(OptionTable& table, InspectWords& words) {
  declare_format_option(table, words.format);
  table.flag("size", 's', words.size, "Tell of containers how much they have written, and that with their image");
}

Action inspect_action(std::shared_ptr<InspectWords> words) {
  return [words = std::move(words)](Invocation& invocation) { return inspect_all(invocation, *words); };
}

}  // namespace

Action declare_inspect(OptionTable& table) {
  auto words = std::make_shared<InspectWords>();
  declare_inspect_options(table, *words);
  table.flag("latest", 'l', words->latest, "Take the container that was created last");
  table.text("type", 't', "TYPE", words->type, "What the names name").choices("all|container|image|volume|network");
  table.words("NAME", words->names, 0, "Names or ids").completes = Completes::containers;
  return inspect_action(std::move(words));
}

Action declare_container_inspect(OptionTable& table) {
  auto words = std::make_shared<InspectWords>();
  words->type = "container";
  declare_inspect_options(table, *words);
  table.flag("latest", 'l', words->latest, "Take the container that was created last");
  table.words("CONTAINER", words->names, 0, "Names or ids").completes = Completes::containers;
  return inspect_action(std::move(words));
}

Action declare_image_inspect(OptionTable& table) {
  auto words = std::make_shared<InspectWords>();
  words->type = "image";
  declare_inspect_options(table, *words);
  table.words("IMAGE", words->names, 1, "Names or ids").completes = Completes::images;
  return inspect_action(std::move(words));
}

}  // namespace cmd
