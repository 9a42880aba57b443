#include "engine/list_filters.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "engine/log_lines.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::array known_keys{"id",     "name",    "label",   "label!", "status",         "ancestor",
                                "exited", "network", "volume",  "health", "before",         "since",
                                "after",  "until",   "command", "pod",    "restart-policy", "should-start-on-boot"};

bool has_label(const ContainerSummary& container, std::string_view wanted) {
  const auto pair = base::split_once(wanted, '=');
  return std::any_of(container.labels.begin(), container.labels.end(), [&](const auto& label) {
    return pair ? label.first == pair->first && label.second == pair->second : label.first == wanted;
  });
}

bool is_of_image(const ContainerSummary& container, std::string_view wanted) {
  const std::string& image = container.image;
  if (container.image_id.starts_with(wanted) || image == wanted) return true;
  const std::string without_tag = image.substr(0, image.rfind(':'));
  return without_tag.ends_with(base::concat("/", wanted)) || image.ends_with(base::concat("/", wanted)) ||
         without_tag == wanted;
}

bool matches(const ContainerSummary& container, std::string_view key, const std::string& value) {
  if (key == "id") return container.id.starts_with(value);
  if (key == "name") return container.name.find(value) != std::string::npos;
  if (key == "label") return has_label(container, value);
  if (key == "status") return container.status == (value == "stopped" ? "exited" : value);
  if (key == "ancestor") return is_of_image(container, value);
  if (key == "exited") return container.status == "exited" && std::to_string(container.exit_code) == value;
  if (key == "network") return container.network == value;
  if (key == "health") return container.health == value;
  if (key == "command") return !container.command.empty() && container.command.front() == value;
  if (key == "pod") return value.empty();  // there are none
  if (key == "restart-policy") return (container.restart_policy.empty() ? "no" : container.restart_policy) == value;
  if (key == "should-start-on-boot") return container.starts_on_boot == (value == "true");
  return std::find(container.mounts.begin(), container.mounts.end(), value) != container.mounts.end();
}

/// Most values are a part of a name: only others need the machine.
bool is_regular_expression(std::string_view value) {
  return value.find_first_of("^$.*+?()[]{}|\\") != std::string_view::npos;
}

std::regex parse_name(const std::string& value) {
  try {
    return std::regex{value, std::regex::ECMAScript | std::regex::nosubs | std::regex::optimize};
  } catch (const std::regex_error&) {
    throw make_error(ErrorKind::invalid_argument, "--filter name: ", quoted(value), " is not a regular expression");
  }
}

void check_value(std::string_view key, std::string_view value) {
  if (key == "should-start-on-boot" && value != "true" && value != "false")
    throw make_error(ErrorKind::invalid_argument, "--filter should-start-on-boot: ", quoted(value),
                     " is neither true nor false");
  if (key != "status") return;
  for (const char* status :
       {"created", "initialized", "running", "stopped", "paused", "exited", "removing", "stopping", "unknown"})
    if (value == status) return;
  throw make_error(ErrorKind::invalid_argument, "--filter status: unknown status ", quoted(value));
}

/// Kept apart, because it means a time. Of several, the narrowest counts.
bool note_time(ListFilters& filters, std::string_view key, const std::string& value, const CreationOf& creation_of) {
  const auto latest = [](std::optional<base::Time>& kept, base::Time time) {
    kept = kept ? std::min(*kept, time) : time;
  };
  if (key == "before")
    latest(filters.before, creation_of(value));
  else if (key == "until")
    latest(filters.until, parse_log_time(value, base::now()));
  else if (key == "since" || key == "after")
    filters.since = std::max(filters.since.value_or(base::Time{}), creation_of(value));
  else
    return false;
  return true;
}

}  // namespace

bool ListFilters::match(const ContainerSummary& container) const {
  const base::Time created = container.created.value_or(base::Time{});
  if ((before && created >= *before) || (until && created >= *until) || (since && created <= *since)) return false;
  const auto fits = [&](const std::regex& name) { return std::regex_search(container.name, name); };
  return std::all_of(keys.begin(), keys.end(), [&](const auto& entry) {
    const std::string& key = entry.first;
    const auto& values = entry.second;
    if (key == "label!")
      return std::none_of(values.begin(), values.end(), [&](const auto& value) { return has_label(container, value); });
    if (key == "name" && std::any_of(names.begin(), names.end(), fits)) return true;
    const auto one = [&](const std::string& value) { return matches(container, key, value); };
    return key == "label" ? std::all_of(values.begin(), values.end(), one)
                          : std::any_of(values.begin(), values.end(), one);
  });
}

ListFilters parse_list_filters(const std::vector<std::string>& words, const CreationOf& creation_of) {
  ListFilters filters;
  for (const std::string& word : words) {
    const auto pair = base::split_once(word, '=');
    if (!pair) throw make_error(ErrorKind::invalid_argument, "--filter ", quoted(word), " is not KEY=VALUE");
    const auto [key, text] = *pair;
    if (std::find(known_keys.begin(), known_keys.end(), key) == known_keys.end())
      throw make_error(ErrorKind::invalid_argument, "unknown filter ", quoted(key))
          .with_hint(
              "known filters: id, name, label, status, ancestor, exited, network, volume, health, before, since, "
              "until, command, pod, restart-policy, should-start-on-boot");
    check_value(key, text);
    const std::string value{text};
    if (note_time(filters, key, value, creation_of)) continue;
    if (key == "name" && is_regular_expression(value)) filters.names.push_back(parse_name(value));
    filters.names_status = filters.names_status || key == "status" || key == "exited";
    filters.names_policy = filters.names_policy || key == "restart-policy" || key == "should-start-on-boot";
    const auto found = std::find_if(filters.keys.begin(), filters.keys.end(),
                                    [&, wanted = key](const auto& entry) { return entry.first == wanted; });
    if (found == filters.keys.end())
      filters.keys.push_back({std::string{key}, {value}});
    else
      found->second.push_back(value);
  }
  return filters;
}

}  // namespace engine
