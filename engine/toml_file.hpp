#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

/// A parsed TOML document. Getters take dotted keys ("engine.stop_timeout") and give nothing for what is absent or of
/// another type: unknown and misspelt keys of foreign files are never fatal. The only file here that includes toml++.
class TomlFile {
 public:
  /// @param what  Names the document in errors.
  /// @throws Error invalid_argument with line and column, when `text` is not TOML.
  static TomlFile parse(std::string_view text, const std::string& what);

  std::optional<std::string> string(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::int64_t> integer(std::string_view key) const;
  /// The strings of an array; tables in it, as {append=true}, are passed over.
  std::optional<std::vector<std::string>> strings(std::string_view key) const;
  /// Of a text, number, yes or no: itself; of an array: its strings. As a command line would have them.
  std::optional<std::vector<std::string>> texts(std::string_view key) const;
  /// Whether an array asks to be added to what other files say: it has {append=true} in it. Source: containers.conf(5).
  bool appends(std::string_view key) const;
  /// Any value as TOML writes it, tables and all: "[\"a\", \"b\"]". Nothing when it is absent.
  std::optional<std::string> shown(std::string_view key) const;
  /// Dotted keys of all values, the tables that hold them left out: for files in which nothing is foreign.
  std::vector<std::string> keys() const;

 private:
  struct Document;
  explicit TomlFile(std::shared_ptr<const Document> document) : document_(std::move(document)) {}
  std::shared_ptr<const Document> document_;
};

/// The text without the lines that are only a comment, of which the files of distributions mostly consist: parsing
/// those would take longer than all else. Lines keep their numbers.
std::string without_comments(std::string_view toml_text);

/// Whether a line that is no comment contains one of these words: a file without any of our keys need not be parsed.
bool mentions(std::string_view toml_text, const std::vector<std::string_view>& words);

}  // namespace engine
