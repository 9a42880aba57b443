#include <memory>

#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "engine/image_scp.hpp"

namespace cmd {

Action declare_image_scp(OptionTable& table) {
  const auto options = std::make_shared<engine::ScpOptions>();
  table.flag("quiet", 'q', options->quiet, "Show no progress");
  table.word("SOURCE", options->source, "IMAGE, or HOST::IMAGE, or USER@localhost::IMAGE").completes =
      Completes::images;
  table.word("DESTINATION", options->destination, "HOST::, or USER@localhost::").at_least = 0;
  return [options](Invocation& invocation) {
    engine::scp_image(invocation.engine(), *options);
    return 0;
  };
}

}  // namespace cmd
