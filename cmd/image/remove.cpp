#include <memory>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/each.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"

namespace cmd {
namespace {

void remove_and_print(Invocation& invocation, const engine::RemoveImageOptions& options) {
  const engine::RemovedImage removed = engine::remove_images(invocation.engine(), options);
  std::string text;
  for (const std::string& name : removed.untagged) text += base::concat("Untagged: ", name, '\n');
  for (const std::string& id : removed.deleted) text += base::concat("Deleted: ", id, '\n');
  print(text);
}

int remove_chosen(Invocation& invocation, const engine::RemoveImageOptions& words, bool all) {
  if (all != words.images.empty()) {
    throw base::Error{base::ErrorKind::invalid_argument,
                      all ? "--all goes without names of images" : "\"engine rmi\" needs at least one IMAGE",
                      "see engine rmi --help"};
  }
  engine::RemoveImageOptions options = words;
  options.ignore = options.ignore || options.force;
  options.one_of_all = all;
  const auto remove_one = [&](const std::string& image) {
    options.images = {image};
    remove_and_print(invocation, options);
  };
  return for_each_name(all ? engine::image_ids(invocation.engine()) : words.images, remove_one, removal_exit_code_of);
}

}  // namespace

Action declare_rmi(OptionTable& table) {
  struct Words {
    engine::RemoveImageOptions options;
    bool all = false;
  };
  const auto words = std::make_shared<Words>();
  engine::RemoveImageOptions& options = words->options;
  table.flag("all", 'a', words->all, "Remove every image");
  table.flag("force", 'f', options.force, "Remove containers that use the image as well; a missing image is no error");
  table.flag("ignore", 'i', options.ignore, "Say nothing of images that do not exist");
  table.known("no-prune", 0, OptionKind::flag, Treatment::ignored);
  table.words("IMAGE", options.images, 0, "Names or ids").completes = Completes::images;
  return [words](Invocation& invocation) { return remove_chosen(invocation, words->options, words->all); };
}

}  // namespace cmd
