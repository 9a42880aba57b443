#include "engine/list_filters.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::array known_keys{"id",
                                "name",
                                "label",
                                "status",
                                "ancestor",
                                "exited",
                                "network",
                                "volume",
                                "health",
                                "restart-policy",
                                "should-start-on-boot"};

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
  if (key == "restart-policy") return (container.restart_policy.empty() ? "no" : container.restart_policy) == value;
  if (key == "should-start-on-boot") return container.starts_on_boot == (value == "true");
  return std::find(container.mounts.begin(), container.mounts.end(), value) != container.mounts.end();
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

}  // namespace

bool ListFilters::match(const ContainerSummary& container) const {
  return std::all_of(keys.begin(), keys.end(), [&](const auto& entry) {
    const std::string& key = entry.first;
    const auto& values = entry.second;
    const auto one = [&](const std::string& value) { return matches(container, key, value); };
    return key == "label" ? std::all_of(values.begin(), values.end(), one)
                          : std::any_of(values.begin(), values.end(), one);
  });
}

ListFilters parse_list_filters(const std::vector<std::string>& words) {
  ListFilters filters;
  for (const std::string& word : words) {
    const auto pair = base::split_once(word, '=');
    if (!pair) throw make_error(ErrorKind::invalid_argument, "--filter ", quoted(word), " is not KEY=VALUE");
    if (std::find(known_keys.begin(), known_keys.end(), pair->first) == known_keys.end())
      throw make_error(ErrorKind::invalid_argument, "unknown filter ", quoted(pair->first))
          .with_hint(
              "known filters: id, name, label, status, ancestor, exited, network, volume, health, restart-policy, "
              "should-start-on-boot");
    check_value(pair->first, pair->second);
    filters.names_status = filters.names_status || pair->first == "status" || pair->first == "exited";
    filters.names_policy =
        filters.names_policy || pair->first == "restart-policy" || pair->first == "should-start-on-boot";
    const auto found = std::find_if(filters.keys.begin(), filters.keys.end(),
                                    [&](const auto& entry) { return entry.first == pair->first; });
    if (found == filters.keys.end())
      filters.keys.push_back({std::string{pair->first}, {std::string{pair->second}}});
    else
      found->second.emplace_back(pair->second);
  }
  return filters;
}

}  // namespace engine
