#include <memory>
#include <string>

#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "engine/volumes.hpp"

namespace cmd {
namespace {

std::string container_lines(engine::Engine& engine, bool all) {
  std::string lines;
  for (const auto& container : engine::list_containers(engine, {.all = all, .last = 0, .filters = {}})) {
    lines += base::concat(container.name, '\n');
  }
  return lines;
}

/// Names as a user would type them: without the registry and namespace that a bare name gets.
std::string image_lines(engine::Engine& engine) {
  std::string lines;
  for (const auto& image : engine::images(engine, "")) {
    for (std::string_view name : image.names) {
      for (const std::string_view prefix : {"docker.io/library/", "docker.io/"}) {
        if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
      }
      lines += base::concat(name, '\n');
    }
  }
  return lines;
}

}  // namespace

Action declare_complete(OptionTable& table) {
  const auto what = std::make_shared<std::string>();
  table.word("WHAT", *what, "containers, running_containers, images or volumes");
  return [what](Invocation& invocation) {
    if (*what == "containers") print(container_lines(invocation.engine(), true));
    if (*what == "running_containers") print(container_lines(invocation.engine(), false));
    if (*what == "images") print(image_lines(invocation.engine()));
    if (*what == "volumes") {
      for (const auto& volume : engine::volumes(invocation.engine(), {})) print_line(volume.name);
    }
    return 0;
  };
}

}  // namespace cmd
