#include <memory>
#include <string>
#include <vector>

#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"

namespace cmd {
namespace {

struct TagWords {
  std::string image;
  std::vector<std::string> names;
};

}  // namespace

Action declare_tag(OptionTable& table) {
  const auto words = std::make_shared<TagWords>();
  table.word("IMAGE", words->image, "Name or id of the image").completes = Completes::images;
  table.words("NAME", words->names, 1, "Names to add");
  return [words](Invocation& invocation) {
    engine::tag(invocation.engine(), words->image, words->names);
    return 0;
  };
}

Action declare_untag(OptionTable& table) {
  const auto words = std::make_shared<TagWords>();
  table.word("IMAGE", words->image, "Name or id of the image").completes = Completes::images;
  table.words("NAME", words->names, 0, "Names to take away; all of them when none is given").completes =
      Completes::images;
  return [words](Invocation& invocation) {
    engine::untag(invocation.engine(), words->image, words->names);
    return 0;
  };
}

}  // namespace cmd
