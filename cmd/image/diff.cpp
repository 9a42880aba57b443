#include <algorithm>
#include <memory>

#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "engine/image_views.hpp"

namespace cmd {
namespace {

using Kind = engine::ImageChange::Kind;

struct DiffWords {
  std::string image;
  std::string other;
  std::string format;
};

void add_list(base::JsonWriter& json, std::string_view key, const std::vector<engine::ImageChange>& changes,
              Kind kind) {
  std::vector<std::string> paths;
  for (const engine::ImageChange& change : changes)
    if (change.kind == kind) paths.push_back(change.path);
  if (!paths.empty()) json.member(key, paths);
}

std::string json_text(const std::vector<engine::ImageChange>& changes) {
  base::JsonWriter json{4};
  json.begin_object();
  add_list(json, "changed", changes, Kind::changed);
  add_list(json, "added", changes, Kind::added);
  add_list(json, "deleted", changes, Kind::deleted);
  json.end_object();
  return json.take();
}

/// A stranger's file name must not write to the terminal.
std::string shown_path(std::string path) {
  std::replace_if(
      path.begin(), path.end(), [](char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f; }, '?');
  return path;
}

}  // namespace

Action declare_image_diff(OptionTable& table) {
  const auto words = std::make_shared<DiffWords>();
  table.text("format", 0, "FORMAT", words->format, "json for scripts");
  table.word("IMAGE", words->image, "Name or id").completes = Completes::images;
  Positional& other = table.word("OTHER", words->other, "What to compare it with; what lies below its topmost layer");
  other.at_least = 0;
  other.completes = Completes::images;
  return [words](Invocation& invocation) {
    const Format format = parse_format(words->format);
    const auto changes = engine::image_diff(invocation.engine(), words->image, words->other);
    if (format == Format::json) {
      print_line(json_text(changes));
      return 0;
    }
    std::string text;
    for (const engine::ImageChange& change : changes)
      text += base::concat(static_cast<char>(change.kind), ' ', shown_path(change.path), '\n');
    print(text);
    return 0;
  };
}

}  // namespace cmd
