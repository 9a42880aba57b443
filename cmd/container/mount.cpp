#include <algorithm>
#include <memory>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/each.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "engine/container_mount.hpp"

namespace cmd {
namespace {

struct MountWords {
  ContainerChoice choice;
  std::string format;
  bool not_shortened = false;
};

std::string json_text(const std::vector<engine::MountedContainer>& containers) {
  base::JsonWriter json{1};
  json.begin_array();
  for (const engine::MountedContainer& container : containers) {
    json.begin_object().member("id", container.id);
    json.key("Names").begin_array().value(container.name).end_array();
    json.member("mountpoint", container.path).end_object();
  }
  json.end_array();
  return json.take();
}

void list_mounted(Invocation& invocation, const MountWords& words, Format format) {
  const auto containers = engine::mounted_containers(invocation.engine());
  if (format == Format::json) return print_line(json_text(containers));
  for (const engine::MountedContainer& container : containers)
    print_line(base::concat(shown_id(container.id, words.not_shortened), "  ", container.path));
}

bool is_chosen(const ContainerChoice& choice) {
  return choice.all || choice.latest || !choice.names.empty();
}

int mount(Invocation& invocation, const MountWords& words) {
  const Format format = parse_format(words.format);
  if (!is_chosen(words.choice)) {
    list_mounted(invocation, words, format);
    return 0;
  }
  std::vector<engine::MountedContainer> mounted;
  const int code = for_each_name(chosen_names(invocation, words.choice), [&](const std::string& name) {
    mounted.push_back(engine::mount_container(invocation.engine(), name));
    if (format != Format::json) print_line(mounted.back().path);
  });
  if (format == Format::json) print_line(json_text(mounted));
  return code;
}

int unmount(Invocation& invocation, const ContainerChoice& choice) {
  std::vector<std::string> names;
  if (choice.all && choice.names.empty() && !choice.latest) {
    for (const engine::MountedContainer& container : engine::mounted_containers(invocation.engine()))
      names.push_back(container.id);
  } else {
    names = chosen_names(invocation, choice);
  }
  return for_each_name(names, [&](const std::string& name) {
    engine::unmount_container(invocation.engine(), name);
    print_line(name);
  });
}

}  // namespace

Action declare_mount(OptionTable& table) {
  const auto words = std::make_shared<MountWords>();
  table.flag("all", 'a', words->choice.all, "Mount all containers");
  table.text("format", 0, "FORMAT", words->format, "json for scripts");
  declare_latest_option(table, words->choice);
  table.flag("no-trunc", 0, words->not_shortened, "Show whole ids");
  table.flag("notruncate", 0, words->not_shortened, "Same as --no-trunc").hide();
  declare_container_words(table, words->choice, Completes::containers);
  return [words](Invocation& invocation) { return mount(invocation, *words); };
}

Action declare_unmount(OptionTable& table) {
  const auto choice = std::make_shared<ContainerChoice>();
  const auto force = std::make_shared<bool>(false);
  table.flag("all", 'a', choice->all, "Unmount all containers");
  table.flag("force", 'f', *force, "Unmount also what is in use, which is what happens anyway");
  declare_latest_option(table, *choice);
  declare_container_words(table, *choice, Completes::containers);
  return [choice, force](Invocation& invocation) { return unmount(invocation, *choice); };
}

}  // namespace cmd
