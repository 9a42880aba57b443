#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "engine/templates/value.hpp"

namespace cmd {

/// What `--format` asks for.
enum class Form {
  own,    ///< Nothing, or "table": the command's own table or outline.
  json,   ///< "json", "{{json .}}"
  table,  ///< "table {{.ID}} …": a template with headings and columns.
  text,   ///< A template.
};
/// Source: podman's `--format`, docker's "table" alone.
Form form_of(std::string_view format);

/// Heading of a column by the field that it shows; all others are the field's own name: "CreatedAt" is CREATED AT.
using Headings = std::vector<std::pair<std::string_view, std::string_view>>;

/// What a command found, as a value with podman's types.
class Report {
 public:
  /// @param name    What errors call the template: the last word of the command, as with podman.
  /// @param shapes  One of shapes.hpp. @param type  Of the whole: "[]containers.psReporter".
  /// @param json    What it is read from.
  Report(std::string name, std::string_view shapes, std::string_view type, std::string_view json);

  struct Object {
    std::string_view type;
    std::string json;
  };
  /// A list of objects of several types. @param shapes  All that their types need.
  Report(std::string name, const std::vector<std::string_view>& shapes, const std::vector<Object>& objects);

  /// Prints a list by a template of form table or text: one line for each element, unless the template ranges itself.
  void print_rows(const std::string& format, const Headings& headings, bool with_headings = true) const;
  /// Prints one object by a template.
  void print_object(const std::string& format) const;
  const engine::templates::Value& value() const { return value_; }

 private:
  void print_texts(const std::string& format) const;

  std::string name_;
  engine::templates::Types types_;
  engine::templates::Value value_;
};

/// "CreatedAt" to "CREATED AT", "RawSize" to "RAW SIZE", "IPCNs" to "IPC NS".
std::string heading_of(std::string_view field);

/// "2020-09-13 12:26:40 +0000 UTC"; empty for no time.
std::string go_time(const std::optional<base::Time>& time);

}  // namespace cmd
