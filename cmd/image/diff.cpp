#include <memory>

#include "cmd/changes.hpp"
#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"

namespace cmd {

Action declare_image_diff(OptionTable& table) {
  struct Words {
    std::string image, other, format;
  };
  const auto words = std::make_shared<Words>();
  declare_changes_format(table, words->format);
  table.word("IMAGE", words->image, "Name or id").completes = Completes::images;
  Positional& other = table.word("OTHER", words->other, "What to compare it with; what lies below its topmost layer");
  other.at_least = 0;
  other.completes = Completes::images;
  return [words](Invocation& invocation) {
    print_changes(engine::image_diff(invocation.engine(), words->image, words->other), words->format);
    return 0;
  };
}

}  // namespace cmd
