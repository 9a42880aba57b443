#include <memory>

#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "engine/secrets.hpp"

namespace cmd {

Action declare_secret_create(OptionTable& table) {
  const auto options = std::make_shared<engine::SecretCreateOptions>();
  table.text("driver", 'd', "NAME", options->driver, "Who keeps the secret; file is all there is");
  table.comma_list("driver-opts", 0, "KEY=VALUE", options->driver_options,
                   "Options of the driver, which file has none of");
  table.flag("env", 0, options->from_environment, "Take the value of a variable instead of a file's content");
  table.flag("ignore", 0, options->ignore, "Accept a secret that has this name already");
  table.list("label", 'l', "KEY=VALUE", options->labels, "Give the secret a label");
  table.flag("replace", 0, options->replace, "Take the place of a secret that has this name");
  table.word("NAME", options->name, "Its name");
  table.word("FILE", options->source, "Where its bytes are: a file, - for standard input, or with --env a variable")
      .completes = Completes::files;
  return [options](Invocation& invocation) {
    print_line(engine::create_secret(invocation.engine(), *options));
    return 0;
  };
}

}  // namespace cmd
