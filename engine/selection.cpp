#include "engine/selection.hpp"

#include <fcntl.h>

#include "base/error.hpp"
#include "base/fs.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::size_t max_cidfile_bytes = 4096;

std::string read_cidfile(const std::string& path) {
  const base::UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) throw base::os_error("reading container id file ", quoted(path));
  const std::string text = base::read_to_end(fd.get(), max_cidfile_bytes);
  return std::string{base::trim(base::split(text, '\n').front())};
}

}  // namespace

storage::ContainerDir require_container(Engine& engine, const std::string& name) {
  auto container = storage::find_container(engine.store(), name);
  if (!container)
    throw make_error(ErrorKind::not_found, "no container with name or id ", quoted(name), " found")
        .with_hint("engine ps --all lists them");
  return std::move(*container);
}

std::vector<Selected> select_containers(Engine& engine, const SelectionRequest& request) {
  std::vector<Selected> selected;
  if (request.all) {
    for (storage::ContainerDir& container : storage::list_containers(engine.store())) {
      std::string id = container.id;
      selected.push_back({std::move(id), std::move(container)});
    }
    return selected;
  }
  std::vector<std::string> names = request.names;
  for (const std::string& path : request.cidfiles) names.push_back(read_cidfile(path));
  if (names.empty()) throw make_error(ErrorKind::invalid_argument, "name at least one container, or use --all");
  for (const std::string& name : names) {
    if (auto container = storage::find_container(engine.store(), name))
      selected.push_back({name, std::move(*container)});
    else if (!request.ignore_missing)
      throw make_error(ErrorKind::not_found, "no container with name or id ", quoted(name), " found")
          .with_hint("engine ps --all lists them");
  }
  return selected;
}

}  // namespace engine
