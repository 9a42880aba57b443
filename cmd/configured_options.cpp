#include "cmd/configured_options.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/error.hpp"
#include "cmd/parser.hpp"

namespace cmd {
namespace {

using engine::ConfiguredOption;

bool was_given(const Invocation& invocation, const ConfiguredOption& configured) {
  return std::any_of(invocation.given.begin(), invocation.given.end(), [&](const Given& one) {
    const bool replaces = one.option->name == configured.name && !configured.joins;
    return replaces || is_one_of(one.option->name, configured.gives_way_to);
  });
}

/// Names come from nowhere without a network, and from the other container in its network: there they are refused.
bool has_place(const ConfiguredOption& configured, const std::string& network) {
  return !configured.name.starts_with("dns") || (network != "none" && !network.starts_with("container:"));
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

void bind_configured_options(Invocation& invocation, RunWords& words) {
  const engine::ContainerDefaults& defaults = invocation.engine().config.defaults;
  for (const ConfiguredOption& configured : defaults.options) {
    const Option* option = invocation.table.find(configured.name);
    if (option == nullptr || was_given(invocation, configured)) continue;
    if (!has_place(configured, words.options.network)) continue;
    base::with_context([&] { bind(*option, configured); }, configured.file);
  }
  words.options.publish = engine::publish_at(defaults.host_ips, words.options.publish);
}

}  // namespace cmd
