#include <memory>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/each.hpp"
#include "cmd/invocation.hpp"
#include "cmd/manifest/words.hpp"
#include "cmd/output.hpp"

namespace cmd {
namespace {

void remove_list(Invocation& invocation, const std::string& list, bool ignore_missing) {
  const engine::RemovedImage removed = engine::remove_manifest_list(invocation.engine(), list, ignore_missing);
  std::string text;
  for (const std::string& name : removed.untagged) text += base::concat("Untagged: ", name, '\n');
  for (const std::string& id : removed.deleted) text += base::concat("Deleted: ", id, '\n');
  print(text);
}

}  // namespace

Action declare_manifest_annotate(OptionTable& table) {
  struct Words {
    engine::AnnotateListOptions options;
    bool index = false;
  };
  const auto words = std::make_shared<Words>();
  declare_instance_options(table, words->options.words);
  table.flag("index", 0, words->index, "Annotate the list itself; no IMAGE is named then");
  table.text("subject", 0, "IMAGE", words->options.subject, "What the list itself refers to: a digest or a name");
  table.word("LIST", words->options.list, "Name or id of the list").completes = Completes::images;
  table.word("IMAGE", words->options.instance, "Digest of an instance, or a name of the store").at_least = 0;
  return [words](Invocation& invocation) {
    const bool is_for_list = words->index || !words->options.subject.empty();
    if (is_for_list != words->options.instance.empty())
      throw base::Error(base::ErrorKind::invalid_argument,
                        is_for_list ? "--index and --subject are for the list itself: leave IMAGE out"
                                    : "\"engine manifest annotate\" needs an IMAGE, or --index");
    print_line(engine::annotate_manifest_list(invocation.engine(), words->options));
    return 0;
  };
}

Action declare_manifest_remove(OptionTable& table) {
  struct Words {
    std::string list;
    std::vector<std::string> instances;
  };
  const auto words = std::make_shared<Words>();
  table.word("LIST", words->list, "Name or id of the list").completes = Completes::images;
  table.words("DIGEST", words->instances, 1, "Digests of instances, or names of the store");
  return [words](Invocation& invocation) {
    print_line(engine::remove_from_manifest_list(invocation.engine(), words->list, words->instances));
    return 0;
  };
}

Action declare_manifest_rm(OptionTable& table) {
  struct Words {
    std::vector<std::string> lists;
    bool ignore = false;
  };
  const auto words = std::make_shared<Words>();
  table.flag("ignore", 'i', words->ignore, "Say nothing of lists that do not exist");
  table.words("LIST", words->lists, 1, "Names or ids").completes = Completes::images;
  return [words](Invocation& invocation) {
    return for_each_name(
        words->lists, [&](const std::string& list) { remove_list(invocation, list, words->ignore); },
        removal_exit_code_of);
  };
}

Action declare_manifest_exists(OptionTable& table) {
  const auto name = std::make_shared<std::string>();
  table.word("LIST", *name, "Name or id").completes = Completes::images;
  return [name](Invocation& invocation) { return engine::manifest_list_exists(invocation.engine(), *name) ? 0 : 1; };
}

}  // namespace cmd
