#define TOML_ENABLE_FORMATTERS 0
#include "engine/toml_file.hpp"

#include <algorithm>
#include <stdexcept>

// The library asserts what a wrong file makes untrue ("[@" where a key shall begin): that must be an error, no abort.
[[noreturn]] static void refuse_toml() {
  throw std::invalid_argument("a key that begins with neither a letter nor a quote");
}
#define TOML_ASSERT(condition) ((condition) ? void() : refuse_toml())
#include <toml++/toml.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace engine {

namespace {

std::string show(const toml::node& node) {
  std::vector<std::string> parts;
  if (const toml::array* array = node.as_array()) {
    for (const toml::node& element : *array) parts.push_back(show(element));
    return base::concat('[', base::join(parts, ", "), ']');
  }
  if (const toml::table* table = node.as_table()) {
    for (const auto& [key, value] : *table) parts.push_back(base::concat(key.str(), " = ", show(value)));
    return base::concat('{', base::join(parts, ", "), '}');
  }
  if (const auto text = node.value_exact<std::string>()) return base::concat(base::quoted(*text));
  if (const auto yes = node.value_exact<bool>()) return *yes ? "true" : "false";
  if (const auto number = node.value_exact<std::int64_t>()) return base::concat(*number);
  return node.is_floating_point() ? std::to_string(node.value<double>().value_or(0)) : "(a date)";
}

bool has_nul(const toml::node& node) {
  if (const toml::array* array = node.as_array()) return std::any_of(array->begin(), array->end(), has_nul);
  const auto text = node.value_exact<std::string>();
  return text && text->find('\0') != std::string::npos;
}

}  // namespace

struct TomlFile::Document {
  toml::table table;

  /// The value of "engine.retry", or nothing. The library's own at_path also knows arrays, at ten times the price, and
  /// every command looks for a hundred keys.
  const toml::node* find(std::string_view key) const {
    const toml::table* inner = &table;
    for (std::size_t dot = key.find('.'); dot != std::string_view::npos; dot = key.find('.')) {
      const toml::node* node = inner->get(key.substr(0, dot));
      inner = node != nullptr ? node->as_table() : nullptr;
      if (inner == nullptr) return nullptr;
      key.remove_prefix(dot + 1);
    }
    return inner->get(key);
  }
};

namespace {

template <class Value>
std::optional<Value> value_of(const toml::node* node) {
  return node != nullptr ? node->value_exact<Value>() : std::nullopt;
}

std::optional<std::vector<std::string>> strings_of(const toml::node* node) {
  const toml::array* array = node != nullptr ? node->as_array() : nullptr;
  if (array == nullptr) return std::nullopt;
  std::vector<std::string> result;
  for (const toml::node& element : *array) {
    if (auto text = element.value_exact<std::string>()) result.push_back(std::move(*text));
  }
  return result;
}

}  // namespace

TomlFile TomlFile::parse(std::string_view text, const std::string& what) {
  // The library asserts that it meets none where a key begins.
  if (text.find('\0') != std::string_view::npos)
    throw base::make_error(base::ErrorKind::invalid_argument, what, ": holds a NUL byte");
  try {
    TomlFile file{std::make_shared<const Document>(Document{toml::parse(text)})};
    // Of what is for the kernel, which ends a text there, no value may have one.
    if (text.find("\\u0000") != std::string_view::npos || text.find("\\U00000000") != std::string_view::npos)
      for (const std::string& key : file.keys())
        if (const auto node = file.document_->table.at_path(key); node && has_nul(*node.node()))
          throw base::make_error(base::ErrorKind::invalid_argument, what, ": ", key, " has a NUL byte in ",
                                 show(*node.node()))
              .with_hint("take \\u0000 out of it");
    return file;
  } catch (const toml::parse_error& error) {
    throw base::make_error(base::ErrorKind::invalid_argument, what, ": line ", error.source().begin.line, ", column ",
                           error.source().begin.column, ": ", error.description());
  } catch (const std::invalid_argument& error) {
    throw base::make_error(base::ErrorKind::invalid_argument, what, ": ", error.what());
  }
}

std::optional<std::string> TomlFile::string(std::string_view key) const {
  return value_of<std::string>(document_->find(key));
}

std::optional<bool> TomlFile::boolean(std::string_view key) const {
  return value_of<bool>(document_->find(key));
}

std::optional<std::int64_t> TomlFile::integer(std::string_view key) const {
  return value_of<std::int64_t>(document_->find(key));
}

std::optional<std::vector<std::string>> TomlFile::strings(std::string_view key) const {
  return strings_of(document_->find(key));
}

std::optional<std::vector<std::string>> TomlFile::texts(std::string_view key) const {
  const toml::node* node = document_->find(key);
  if (node == nullptr) return std::nullopt;
  if (auto array = strings_of(node)) return array;
  if (auto text = value_of<std::string>(node)) return std::vector<std::string>{std::move(*text)};
  if (const auto yes = value_of<bool>(node)) return std::vector<std::string>{*yes ? "true" : "false"};
  if (const auto number = value_of<std::int64_t>(node)) return std::vector<std::string>{base::concat(*number)};
  return std::nullopt;
}

bool TomlFile::appends(std::string_view key) const {
  const toml::node* node = document_->find(key);
  const toml::array* array = node != nullptr ? node->as_array() : nullptr;
  if (array == nullptr) return false;
  return std::any_of(array->begin(), array->end(), [](const toml::node& element) {
    const toml::table* table = element.as_table();
    return table != nullptr && (*table)["append"].value_or(false);
  });
}

std::optional<std::string> TomlFile::shown(std::string_view key) const {
  const toml::node* node = document_->find(key);
  if (node == nullptr) return std::nullopt;
  return show(*node);
}

std::vector<std::string> TomlFile::keys() const {
  std::vector<std::string> found;
  const auto collect = [&](const auto& self, const toml::table& table, const std::string& prefix) -> void {
    for (const auto& [key, value] : table) {
      const std::string path = base::concat(prefix, key.str());
      if (const toml::table* inner = value.as_table())
        self(self, *inner, path + ".");
      else
        found.push_back(path);
    }
  };
  collect(collect, document_->table, "");
  return found;
}

namespace {

/// Takes the next line off `text`, without its end.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

bool is_comment(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(" \t\r");
  return begin != std::string_view::npos && line[begin] == '#';
}

}  // namespace

std::string without_comments(std::string_view toml_text) {
  const bool has_long_texts =
      toml_text.find("\"\"\"") != std::string_view::npos || toml_text.find("'''") != std::string_view::npos;
  if (has_long_texts) return std::string{toml_text};  // in which a line may begin with '#'
  std::string text;
  while (!toml_text.empty()) {
    const std::string_view line = take_line(toml_text);
    if (!is_comment(line)) text += line;
    text += '\n';
  }
  return text;
}

bool mentions(std::string_view toml_text, const std::vector<std::string_view>& words) {
  while (!toml_text.empty()) {
    const std::string_view line = take_line(toml_text);
    if (line.empty() || is_comment(line)) continue;
    const auto occurs = [line](std::string_view word) { return line.find(word) != std::string_view::npos; };
    if (std::any_of(words.begin(), words.end(), occurs)) return true;
  }
  return false;
}

}  // namespace engine
