#include <memory>

#include "cmd/commands.hpp"
#include "cmd/each.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/volume/names.hpp"
#include "engine/volumes.hpp"

namespace cmd {

Action declare_volume_mount(OptionTable& table) {
  const auto choice = std::make_shared<VolumeChoice>();
  declare_volume_words(table, *choice, false);
  return [choice](Invocation& invocation) {
    return for_each_name(choice->names,
                         [&](const std::string& name) { print_line(engine::mount_volume(invocation.engine(), name)); });
  };
}

Action declare_volume_unmount(OptionTable& table) {
  const auto choice = std::make_shared<VolumeChoice>();
  declare_volume_words(table, *choice, false);
  return [choice](Invocation& invocation) {
    return for_each_name(choice->names, [&](const std::string& name) {
      engine::unmount_volume(invocation.engine(), name);
      print_line(name);
    });
  };
}

}  // namespace cmd
