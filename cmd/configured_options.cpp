#include "cmd/configured_options.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/error.hpp"
#include "cmd/parser.hpp"
#include "engine/mount_words.hpp"

namespace cmd {
namespace {

using engine::ConfiguredOption;

bool was_given(const std::vector<Given>& given, const ConfiguredOption& configured) {
  return std::any_of(given.begin(), given.end(), [&](const Given& one) {
    const bool replaces = one.option->name == configured.name && !configured.joins;
    return replaces || is_one_of(one.option->name, configured.gives_way_to);
  });
}

/// Names come from nowhere without a network, and from the other container in its network: there they are refused.
bool has_place(const ConfiguredOption& configured, const std::string& network) {
  return !configured.name.starts_with("dns") || (network != "none" && !network.starts_with("container:"));
}

std::string destination_of(const std::string& volume) {
  return engine::parse_volume_word(volume, "/").destination;
}

/// As with podman, a volume that is typed takes the place of the configured one at the same destination.
void drop_hidden_volumes(ConfiguredOption& configured, const std::vector<std::string>& typed) {
  if (configured.name != "volume") return;
  for (const std::string& volume : typed) {
    const std::string place = destination_of(volume);
    std::erase_if(configured.values, [&](const std::string& value) {
      return base::with_context([&] { return destination_of(value) == place; }, configured.file);
    });
  }
}

void bind(const Option& option, const ConfiguredOption& configured) {
  std::vector<Given> values;
  for (const std::string& value : configured.values) values.push_back({&option, value});
  auto* const* list = std::get_if<std::vector<std::string>*>(&option.target);
  if (list == nullptr) return bind_options(values);
  std::vector<std::string> typed = std::exchange(**list, {});
  bind_options(values);
  std::move(typed.begin(), typed.end(), std::back_inserter(**list));
}

}  // namespace

void bind_configured_options(const engine::Config& config, const OptionTable& table, const std::vector<Given>& given,
                             RunWords& words) {
  const std::string network = words.options.network.empty() ? config.default_network : words.options.network;
  for (ConfiguredOption configured : config.defaults.options) {
    const Option* option = table.find(configured.name);
    if (option == nullptr || was_given(given, configured)) continue;
    if (!has_place(configured, network)) continue;
    drop_hidden_volumes(configured, words.options.volumes);
    base::with_context([&] { bind(*option, configured); }, configured.file);
  }
  words.options.publish = engine::publish_at(config.defaults.host_ips, words.options.publish);
}

void bind_configured_options(Invocation& invocation, RunWords& words) {
  bind_configured_options(invocation.engine().config, invocation.table, invocation.given, words);
}

}  // namespace cmd
