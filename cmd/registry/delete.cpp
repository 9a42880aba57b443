#include <memory>

#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/each.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/registry/options.hpp"
#include "cmd/transfer_verbs.hpp"

namespace cmd {
namespace {

struct DeleteWords {
  engine::DeleteOptions options;
  std::vector<std::string> images;
};

}  // namespace

Action declare_delete(OptionTable& table) {
  const auto words = std::make_shared<DeleteWords>();
  table.flag("only-tag", 0, words->options.only_tag, "Take the tag away and leave the image, where the registry can");
  declare_remote_options(table, words->options.remote);
  table.words("IMAGE", words->images, 1, "Image of a registry, by its whole name with a tag or digest");
  return [words](Invocation& invocation) {
    return for_each_name(words->images, [&](const std::string& image) {
      engine::DeleteOptions options = words->options;
      options.image = image;
      const auto deleted = invocation.program.transfer->delete_remote(invocation.engine(), options);
      print_line(deleted.digest.empty() ? deleted.name : deleted.digest);
    });
  };
}

}  // namespace cmd
