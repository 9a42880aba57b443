#include "cmd/changes.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/output.hpp"

namespace cmd {
namespace {

using Kind = engine::ImageChange::Kind;

constexpr unsigned podmans_indent = 5;

void add_list(base::JsonWriter& json, std::string_view key, const std::vector<engine::ImageChange>& changes,
              Kind kind) {
  std::vector<std::string> paths;
  for (const engine::ImageChange& change : changes)
    if (change.kind == kind) paths.push_back(change.path);
  if (!paths.empty()) json.member(key, paths);
}

std::string json_text(const std::vector<engine::ImageChange>& changes) {
  base::JsonWriter json{podmans_indent};
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

void declare_changes_format(OptionTable& table, std::string& format) {
  table.text("format", 0, "FORMAT", format, "json for scripts");
}

void print_changes(const std::vector<engine::ImageChange>& changes, const std::string& format) {
  if (format == "json") return print_line(json_text(changes));
  if (!format.empty())
    throw base::make_error(base::ErrorKind::invalid_argument, "only supported value for '--format' is 'json'");
  std::string text;
  for (const engine::ImageChange& change : changes)
    text += base::concat(static_cast<char>(change.kind), ' ', shown_path(change.path), '\n');
  print(text);
}

}  // namespace cmd
