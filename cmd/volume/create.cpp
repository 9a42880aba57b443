#include <memory>

#include "base/error.hpp"
#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "engine/volumes.hpp"

namespace cmd {
namespace {

struct CreateWords {
  engine::VolumeCreateOptions options;
  std::string driver = "local";
};

}  // namespace

Action declare_volume_create(OptionTable& table) {
  const auto words = std::make_shared<CreateWords>();
  table.text("driver", 'd', "NAME", words->driver, "Who keeps the volume; local is all there is");
  table.flag("ignore", 0, words->options.ignore, "Accept a volume that has this name already");
  table.list("label", 'l', "KEY=VALUE", words->options.labels, "Give the volume a label");
  table.list("opt", 'o', "KEY=VALUE", words->options.options, "Option of the driver: type, device or o");
  table.word("NAME", words->options.name, "Its name; a random one when not given").at_least = 0;
  return [words](Invocation& invocation) {
    if (words->driver != "local")
      throw base::make_error(base::ErrorKind::unsupported, "volume driver ", base::quoted(words->driver),
                             " is not supported")
          .with_hint("local is the only one");
    print_line(engine::create_volume(invocation.engine(), words->options));
    return 0;
  };
}

}  // namespace cmd
