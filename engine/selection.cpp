#include "engine/selection.hpp"

#include "base/error.hpp"
#include "engine/abandoned.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

base::Error not_found(const std::string& name) {
  return make_error(ErrorKind::not_found, "no container with name or id ", quoted(name), " found")
      .with_hint("engine ps --all lists them");
}

}  // namespace

storage::ContainerDir require_container(Engine& engine, const std::string& name) {
  auto container = find_container(engine, name);
  if (!container) throw not_found(name);
  return std::move(*container);
}

std::vector<Selected> select_containers(Engine& engine, const std::vector<std::string>& names, bool ignore_missing) {
  if (names.empty()) throw make_error(ErrorKind::invalid_argument, "name at least one container, or use --all");
  std::vector<Selected> selected;
  for (const std::string& name : names) {
    if (auto container = find_container(engine, name))
      selected.push_back({name, std::move(*container)});
    else if (!ignore_missing)
      throw not_found(name);
  }
  return selected;
}

}  // namespace engine
