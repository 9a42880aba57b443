#include "cmd/image/list.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/image/list_report.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/report.hpp"
#include "cmd/table.hpp"
#include "engine/image_filters.hpp"

namespace cmd {
namespace {

using engine::ImageSummary;

struct ImagesWords {
  std::string name;
  std::string format;
  std::string sort = "created";
  std::vector<std::string> filters;
  bool all = false;
  bool digests = false;
  bool quiet = false;
  bool no_trunc = false;
  bool no_heading = false;
  bool history = false;
};

using Line = ImageLine;

std::vector<Line> lines_of(const std::vector<ImageSummary>& images) {
  std::vector<Line> lines;
  lines.reserve(images.size());
  for (const ImageSummary& image : images) {
    if (image.names.empty()) lines.push_back({&image, split_image_name("")});
    for (const std::string& name : image.names) lines.push_back({&image, split_image_name(name)});
  }
  return lines;
}

void sort_by(std::vector<Line>& lines, const std::string& key) {
  const auto comes_before = [&key](const Line& left, const Line& right) {
    if (key == "id") return left.image->id < right.image->id;
    if (key == "repository") return left.name.repository < right.name.repository;
    if (key == "tag") return left.name.tag < right.name.tag;
    if (key == "size") return left.image->size_bytes < right.image->size_bytes;
    return left.image->created > right.image->created;  // newest first
  };
  if (!std::is_sorted(lines.begin(), lines.end(), comes_before))
    std::stable_sort(lines.begin(), lines.end(), comes_before);
}

std::string table_text(const std::vector<Line>& lines, const ImagesWords& words) {
  const bool has_shared =
      std::any_of(lines.begin(), lines.end(), [](const Line& line) { return line.image->read_only; });
  std::vector<std::string> headings{"REPOSITORY", "TAG"};
  if (words.digests) headings.emplace_back("DIGEST");
  for (const char* heading : {"IMAGE ID", "CREATED", "SIZE"}) headings.emplace_back(heading);
  if (has_shared) headings.emplace_back("R/O");
  if (words.history) headings.emplace_back("HISTORY");
  Table table{std::move(headings)};
  for (const auto& [image, name] : lines) {
    std::vector<std::string> cells;
    cells.reserve(7);
    cells.push_back(name.repository);
    cells.push_back(name.tag);
    if (words.digests) cells.push_back(image->digest);
    cells.push_back(words.no_trunc ? base::concat("sha256:", image->id) : shown_id(image->id, false));
    cells.push_back(image->created ? time_ago(*image->created) : "");
    cells.push_back(image_size(image->size_bytes));
    if (has_shared) cells.emplace_back(image->read_only ? "true" : "false");
    if (words.history) cells.push_back(base::join(image->names, ", "));
    table.add_row(std::move(cells));
  }
  return table.text(!words.no_heading);
}

void add_object(base::JsonWriter& json, const ImageSummary& image) {
  json.begin_object();
  json.member("Id", image.id).member("ParentId", "");
  json.key("RepoTags");
  image.names.empty() ? json.null() : json.value(image.names);
  json.member("RepoDigests", image.repo_digests);
  json.member("Size", image.size_bytes).member("SharedSize", 0).member("VirtualSize", image.size_bytes);
  json.key("Labels");
  image.labels.empty() ? json.null() : json.value(image.labels);
  json.member("Containers", image.containers);
  json.member("Names", image.names).member("Digest", image.digest);
  if (!image.names.empty()) json.member("History", image.names);
  json.member("Created", image.created ? unix_seconds(*image.created) : 0);
  json.member("CreatedAt", image.created ? base::format_rfc3339(*image.created) : "0001-01-01T00:00:00Z");
  if (image.read_only) json.member("ReadOnly", true);  // podman leaves out what is false
  json.end_object();
}

/// An image with several names is one id and one object.
std::vector<const ImageSummary*> distinct_images(const std::vector<Line>& lines) {
  std::vector<const ImageSummary*> images;
  for (const Line& line : lines) {
    if (std::find(images.begin(), images.end(), line.image) == images.end()) images.push_back(line.image);
  }
  return images;
}

void print_list(const std::vector<Line>& lines, const ImagesWords& words) {
  const Form form = form_of(words.format);
  if (!words.quiet && (form == Form::text || form == Form::table))
    return print_images(lines, words.format, words.no_trunc, !words.no_heading);
  if (words.quiet) {
    std::string ids;
    for (const ImageSummary* image : distinct_images(lines)) {
      ids += base::concat(words.no_trunc ? "sha256:" : "", shown_id(image->id, words.no_trunc), '\n');
    }
    return print(ids);
  }
  if (form == Form::own) return print(table_text(lines, words));
  base::JsonWriter json{4};
  json.begin_array();
  for (const ImageSummary* image : distinct_images(lines)) add_object(json, *image);
  json.end_array();
  print_line(json.text());
}

}  // namespace

RepositoryAndTag split_image_name(const std::string& name) {
  if (name.empty()) return {"<none>", "<none>"};
  if (const std::size_t at = name.find('@'); at != std::string::npos) return split_image_name(name.substr(0, at));
  const std::size_t colon = name.rfind(':');
  const std::size_t slash = name.rfind('/');
  const bool has_tag = colon != std::string::npos && (slash == std::string::npos || colon > slash);
  if (!has_tag) return {name, "<none>"};
  return {name.substr(0, colon), name.substr(colon + 1)};
}

Action declare_images(OptionTable& table) {
  const auto words = std::make_shared<ImagesWords>();
  table.flag("all", 'a', words->all, "Show every image, which is what happens anyway");
  table.flag("digests", 0, words->digests, "Show digests of manifests");
  table.text("format", 0, "FORMAT", words->format,
             "table, json, or a Go template: {{.Repository}}, table {{.ID}} {{.Size}}");
  table.flag("no-trunc", 0, words->no_trunc, "Show ids whole");
  table.flag("noheading", 'n', words->no_heading, "Leave the headings out");
  table.flag("quiet", 'q', words->quiet, "Show ids only");
  table.text("sort", 0, "KEY", words->sort, "Order of the lines").choices("created|id|repository|size|tag");
  table.list(
      "filter", 'f', "KEY=VALUE", words->filters,
      "Show only what matches, or with KEY!=VALUE what does not: before, since, until, reference, label, id, digest, "
      "dangling, readonly, containers");
  table.flag("history", 0, words->history, "Show all names of each image");
  Positional& name = table.word("IMAGE", words->name, "Show only images of this name");
  name.at_least = 0;
  name.completes = Completes::images;
  return [words](Invocation& invocation) {
    const engine::ImageFilters filters(invocation.engine(), words->filters);
    const bool with_details = form_of(words->format) != Form::own || !words->filters.empty();
    std::vector<ImageSummary> images = engine::images(invocation.engine(), words->name, with_details);
    std::erase_if(images, [&](const ImageSummary& image) { return !filters.match(image); });
    std::vector<Line> lines = lines_of(images);
    sort_by(lines, words->sort);
    print_list(lines, *words);
    return 0;
  };
}

}  // namespace cmd
