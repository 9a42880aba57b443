#include <memory>

#include "base/error.hpp"
#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/each.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "engine/clone.hpp"

namespace cmd {
namespace {

struct CleanupWords {
  ContainerChoice choice;
  bool removes = false, removes_image = false;
};

void clean_up(Invocation& invocation, const CleanupWords& words, const std::string& name) {
  std::string image;
  if (words.removes_image) image = engine::clone_source(invocation.engine(), name).image_id;
  engine::clean_up_container(invocation.engine(), name, words.removes || words.removes_image);
  print_line(name);
  if (image.empty()) return;
  engine::RemoveImageOptions options;
  options.images = {image};
  engine::remove_images(invocation.engine(), options);
}

}  // namespace

Action declare_container_cleanup(OptionTable& table) {
  const auto words = std::make_shared<CleanupWords>();
  table.flag("all", 'a', words->choice.all, "Every container");
  declare_latest_option(table, words->choice);
  table.known("exec", 0, OptionKind::text, Treatment::ignored);
  table.flag("rm", 0, words->removes, "Remove the container then");
  table.flag("rmi", 0, words->removes_image, "Remove its image, too");
  declare_container_words(table, words->choice, Completes::containers);
  return [words](Invocation& invocation) {
    return for_each_name(chosen_names(invocation, words->choice),
                         [&](const std::string& name) { clean_up(invocation, *words, name); });
  };
}

}  // namespace cmd
