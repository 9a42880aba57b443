#include <memory>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/registry/options.hpp"
#include "cmd/report.hpp"
#include "cmd/shapes.hpp"
#include "cmd/table.hpp"
#include "cmd/transfer_verbs.hpp"

namespace cmd {
namespace {

constexpr std::size_t description_width = 44;
constexpr std::uint64_t default_tags_limit = 25;

struct SearchWords {
  engine::SearchOptions options;
  std::string format;
  bool compatible = false;
  bool list_tags = false;
  bool no_trunc = false;
};

std::string yes(bool is) {
  return is ? "[OK]" : "";
}

std::string images_json(const std::vector<engine::FoundImage>& images) {
  base::JsonWriter json;
  json.begin_array();
  for (const engine::FoundImage& image : images) {
    json.begin_object().member("Index", image.index).member("Name", image.name);
    json.member("Description", image.description).member("Stars", image.stars);
    json.member("Official", yes(image.is_official)).member("Automated", yes(image.is_automated));
    json.member("Tag", "").end_object();
  }
  json.end_array();
  return json.take();
}

std::string images_table(const std::vector<engine::FoundImage>& images, const SearchWords& words) {
  std::vector<std::string> headings{"NAME", "DESCRIPTION"};
  if (words.compatible) headings.insert(headings.end(), {"STARS", "OFFICIAL", "AUTOMATED"});
  Table table{std::move(headings)};
  for (const engine::FoundImage& image : images) {
    std::vector<std::string> cells{
        image.name, words.no_trunc ? image.description : shortened(image.description, description_width + 3)};
    if (words.compatible)
      cells.insert(cells.end(), {std::to_string(image.stars), yes(image.is_official), yes(image.is_automated)});
    table.add_row(std::move(cells));
  }
  return table.text(true);
}

void print_by_template(const std::string& json, const std::string& format) {
  Report("search", search_shapes, "[]entities.ImageSearchReport", json).print_rows(format, {});
}

void print_tags(Invocation& invocation, const SearchWords& words, Form form) {
  if (!words.options.filters.empty())
    throw base::Error(base::ErrorKind::invalid_argument, "filters do not apply to a list of tags");
  engine::TagsOptions options;
  options.remote = words.options.remote;
  options.repository = words.options.term;
  options.limit = words.options.limit.value_or(default_tags_limit);
  const engine::TagList list = invocation.program.transfer->tags(invocation.engine(), options);
  if (form == Form::text || form == Form::table) {
    base::JsonWriter json;
    json.begin_array();
    for (const std::string& tag : list.tags)
      json.begin_object().member("Name", list.repository).member("Tag", tag).end_object();
    return print_by_template(json.end_array().text(), words.format);
  }
  if (form == Form::json) {
    base::JsonWriter json{4};
    json.begin_array().begin_object().member("Name", list.repository).member("Tags", list.tags);
    json.end_object().end_array();
    return print_line(json.text());
  }
  Table table{{"NAME", "TAG"}};
  for (const std::string& tag : list.tags) table.add_row({list.repository, tag});
  print(table.text(true));
}

int print_search(Invocation& invocation, const SearchWords& words) {
  const Form form = form_of(words.format);
  if (words.list_tags) {
    print_tags(invocation, words, form);
    return 0;
  }
  const auto images = invocation.program.transfer->search_images(invocation.engine(), words.options);
  if (form == Form::text || form == Form::table)
    print_by_template(images_json(images), words.format);
  else if (form == Form::json)
    print_line(indented_json(images_json(images)));
  else if (!images.empty())
    print(images_table(images, words));
  return 0;
}

}  // namespace

Action declare_search(OptionTable& table) {
  const auto words = std::make_shared<SearchWords>();
  table.flag("compatible", 0, words->compatible, "Show stars, official and automated as well");
  table.list("filter", 'f', "KEY[=VALUE]", words->options.filters,
             "Only what matches: stars=COUNT, is-official, is-automated");
  table.text("format", 0, "FORMAT", words->format, "table, json, or a Go template: {{.Name}} {{.Stars}}");
  table.number("limit", 0, "COUNT", &words->options.limit, "No more than that many of each registry").defaults_to("25");
  table.flag("list-tags", 0, words->list_tags, "List the tags of the repository that TERM names");
  table.flag("no-trunc", 0, words->no_trunc, "Show descriptions whole");
  declare_remote_options(table, words->options.remote);
  table.word("TERM", words->options.term, "What to look for; REGISTRY/TERM looks there alone");
  return [words](Invocation& invocation) { return print_search(invocation, *words); };
}

}  // namespace cmd
