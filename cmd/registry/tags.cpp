#include <memory>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/registry/options.hpp"
#include "cmd/transfer_verbs.hpp"

namespace cmd {
namespace {

struct TagsWords {
  engine::TagsOptions options;
  std::string format;
  std::int64_t limit = 0;
  bool full_ref = false;
  bool omit_digest_tags = false;
};

/// "sha256-<hex>" and the same with an ending: where signatures and lists of referrers are kept.
bool is_digest_tag(const std::string& tag) {
  constexpr std::size_t length = 7 + 64;
  return tag.size() >= length && tag.compare(0, 7, "sha256-") == 0 &&
         tag.find_first_not_of("0123456789abcdef", 7) >= length;
}

/// As skopeo list-tags prints it.
std::string tags_json(const engine::TagList& list) {
  base::JsonWriter json{4};
  json.begin_object().member("Repository", list.repository).member("Tags", list.tags).end_object();
  return json.take();
}

int print_tags(Invocation& invocation, const TagsWords& words) {
  const Format format = parse_format(words.format);
  if (words.limit < 0) throw base::Error(base::ErrorKind::invalid_argument, "--limit must not be negative");
  engine::TagsOptions options = words.options;
  options.limit = static_cast<std::uint64_t>(words.limit);
  engine::TagList list = invocation.program.transfer->tags(invocation.engine(), options);
  if (words.omit_digest_tags) std::erase_if(list.tags, is_digest_tag);
  if (format == Format::json) {
    print_line(tags_json(list));
    return 0;
  }
  std::string text;
  for (const std::string& tag : list.tags)
    text += base::concat(words.full_ref ? base::concat(list.repository, ":") : "", tag, '\n');
  print(text);
  return 0;
}

}  // namespace

Action declare_tags(OptionTable& table) {
  const auto words = std::make_shared<TagsWords>();
  table.text("format", 0, "FORMAT", words->format, "json for scripts");
  table.flag("full-ref", 0, words->full_ref, "Show whole names");
  table.number("limit", 0, "COUNT", &words->limit, "Show no more than that many").defaults_to("all");
  table.flag("omit-digest-tags", 0, words->omit_digest_tags, "Leave out tags that only belong to a digest");
  declare_remote_options(table, words->options.remote);
  table.word("REPOSITORY", words->options.repository, "Name without tag, such as quay.io/podman/stable");
  return [words](Invocation& invocation) { return print_tags(invocation, *words); };
}

}  // namespace cmd
