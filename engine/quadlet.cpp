#include "engine/quadlet.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "engine/quadlet_draft.hpp"
#include "engine/unit_words.hpp"

namespace engine {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;

constexpr std::string_view service_extension = ".service";

/// Every key that is none, and every section that is for another kind of file, a line each.
void check_keys(const QuadletUnit& unit) {
  const QuadletFormat& format = *unit.format;
  std::vector<std::string> problems;
  if (unit.file.find(format.section) == nullptr)
    problems.push_back(concat(unit.path, ": has no section [", format.section, ']'));
  for (const UnitSection& section : unit.file.sections())
    for (const UnitLine& line : section.lines) {
      const bool is_known = section.name == format.section
                                ? find_quadlet_key(format, line.key) != nullptr
                                : section.name != "Quadlet" || line.key == "DefaultDependencies";
      if (!is_known)
        problems.push_back(
            concat(place_of(line), ": unsupported key ", base::quoted(line.key), " in [", section.name, ']'));
    }
  if (!problems.empty()) throw make_error(ErrorKind::invalid_argument, base::join(problems, "\n"));
}

/// Other Quadlet files that [Unit] names become their services.
void translate_dependencies(QuadletDraft& draft) {
  constexpr std::string_view keys[] = {"Wants",   "Requires",  "Requisite", "BindsTo", "PartOf",
                                       "Upholds", "Conflicts", "Before",    "After"};
  draft.service.change_values("Unit", [&](UnitLine& line) {
    if (std::find(std::begin(keys), std::end(keys), line.key) == std::end(keys)) return;
    std::vector<std::string> words = at_line(line, [&] { return split_unit_words(line.value); });
    bool changed = false;
    for (std::string& word : words) {
      if (quadlet_format_of(word) == nullptr) continue;
      const auto other = draft.units.find(word);
      if (other == draft.units.end())
        throw make_error(ErrorKind::invalid_argument, place_of(line), ": ", line.key, "=: there is no file ",
                         base::quoted(word));
      word = concat(other->second.service_name(), service_extension);
      changed = true;
    }
    if (changed) line.value = join_unit_words(words);
  });
}

/// The network may be needed to fetch an image. Volumes and networks are made without it.
void add_network_dependency(QuadletDraft& draft) {
  const QuadletKind kind = draft.unit.format->kind;
  if (kind == QuadletKind::volume || kind == QuadletKind::network) return;
  const auto wanted = draft.unit.file.last("Quadlet", "DefaultDependencies");
  if (wanted && parse_unit_boolean(*wanted) == UnitBoolean::no) return;
  const char* target = draft.around.is_user ? "engine-user-wait-network-online.service" : "network-online.target";
  draft.service.add_first("Unit", "After", target);
  draft.service.add_first("Unit", "Wants", target);
}

void make_draft(QuadletDraft& draft) {
  switch (draft.unit.format->kind) {
    case QuadletKind::container:
      return draft_container(draft);
    case QuadletKind::volume:
      return draft_volume(draft);
    case QuadletKind::network:
      return draft_network(draft);
    case QuadletKind::image:
      return draft_image(draft);
    case QuadletKind::build:
      return draft_build(draft);
    case QuadletKind::pod:
      return draft_pod(draft);
    case QuadletKind::kube:
      return draft_kube(draft);
  }
}

/// "foo" and "-volume": "foo-volume"; "foo@bar": "foo-volume@bar".
std::string with_suffix(const std::string& base_name, std::string_view suffix) {
  const std::size_t at = base_name.find('@');
  if (at == std::string::npos) return concat(base_name, suffix);
  return concat(base_name.substr(0, at), suffix, base_name.substr(at));
}

/// A path that systemd shall take as it is.
std::string without_specifiers(std::string_view path) {
  std::string out;
  for (const char byte : path) out.append(byte == '%' ? 2 : 1, byte);
  return out;
}

}  // namespace

std::string QuadletUnit::service_name() const {
  const auto name = last("ServiceName");
  if (!name) return with_suffix(base_name(), format->service_suffix);
  const std::size_t at = base_name().find('@');
  return at == std::string::npos ? *name : concat(*name, base_name().substr(at));
}

std::string QuadletUnit::resource_name() const {
  constexpr std::pair<QuadletKind, std::string_view> keys[] = {
      {QuadletKind::container, "ContainerName"}, {QuadletKind::volume, "VolumeName"},
      {QuadletKind::network, "NetworkName"},     {QuadletKind::image, "ImageTag"},
      {QuadletKind::build, "ImageTag"},          {QuadletKind::pod, "PodName"}};
  for (const auto& [kind, key] : keys) {
    if (kind != format->kind) continue;
    const auto all = file.all(format->section, key);
    if (!all.empty()) return kind == QuadletKind::build ? all.front()->value : all.back()->value;
  }
  if (format->kind == QuadletKind::image) return last("Image").value_or("");
  std::string name = concat("systemd-", base_name());
  const std::size_t at = name.find('@');
  if (at == std::string::npos) return name;
  name[at] = format->kind == QuadletKind::container ? '_' : '-';
  return is_template() ? name + "%i" : name;
}

QuadletService make_service(const QuadletUnit& unit, const QuadletUnits& units, const QuadletSurroundings& around) {
  check_keys(unit);
  QuadletDraft draft{unit, units, around};
  translate_dependencies(draft);
  add_network_dependency(draft);
  draft.add("Unit", "SourcePath", without_specifiers(unit.path));
  draft.add("Unit", "RequiresMountsFor", "%t/engine");
  make_draft(draft);
  draft.service.rename_section(unit.format->section, concat("X-", unit.format->section));
  draft.service.rename_section("Quadlet", "X-Quadlet");
  const std::string name = concat(unit.service_name(), service_extension);
  return {name, std::move(draft.service), install_links(unit, name)};
}

std::vector<std::pair<std::string, std::string>> install_links(const QuadletUnit& unit, const std::string& service) {
  constexpr std::pair<std::string_view, std::string_view> keys[] = {
      {"WantedBy", ".wants"}, {"RequiredBy", ".requires"}, {"UpheldBy", ".upholds"}};
  std::vector<std::pair<std::string, std::string>> links;
  const auto words = [&](std::string_view key) {
    std::vector<std::string> all;
    for (const UnitLine* line : unit.file.all("Install", key))
      for (std::string& word : at_line(*line, [&] { return split_unit_words(line->value); }))
        if (!word.empty() && word.find('/') == std::string::npos) all.push_back(std::move(word));
    return all;
  };
  for (const std::string& alias : words("Alias")) links.emplace_back(alias, service);
  std::string enabled = service;
  if (unit.is_template()) {  // only an instance can be started
    const auto instance = unit.file.last("Install", "DefaultInstance");
    if (!instance || instance->find('/') != std::string::npos) return links;
    enabled.insert(enabled.size() - service_extension.size(), *instance);
  }
  for (const auto& [key, suffix] : keys)
    for (const std::string& target : words(key))
      links.emplace_back(concat(target, suffix, '/', enabled), concat("../", service));
  return links;
}

}  // namespace engine
