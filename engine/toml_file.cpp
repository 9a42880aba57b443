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

}  // namespace

struct TomlFile::Document {
  toml::table table;
};

TomlFile TomlFile::parse(std::string_view text, const std::string& what) {
  // The library asserts that it meets none where a key begins.
  if (text.find('\0') != std::string_view::npos)
    throw base::make_error(base::ErrorKind::invalid_argument, what, ": holds a NUL byte");
  try {
    return TomlFile{std::make_shared<const Document>(Document{toml::parse(text)})};
  } catch (const toml::parse_error& error) {
    throw base::make_error(base::ErrorKind::invalid_argument, what, ": line ", error.source().begin.line, ", column ",
                           error.source().begin.column, ": ", error.description());
  } catch (const std::invalid_argument& error) {
    throw base::make_error(base::ErrorKind::invalid_argument, what, ": ", error.what());
  }
}

std::optional<std::string> TomlFile::string(std::string_view key) const {
  return document_->table.at_path(key).value_exact<std::string>();
}

std::optional<bool> TomlFile::boolean(std::string_view key) const {
  return document_->table.at_path(key).value_exact<bool>();
}

std::optional<std::int64_t> TomlFile::integer(std::string_view key) const {
  return document_->table.at_path(key).value_exact<std::int64_t>();
}

std::optional<std::vector<std::string>> TomlFile::strings(std::string_view key) const {
  const toml::array* array = document_->table.at_path(key).as_array();
  if (array == nullptr) return std::nullopt;
  std::vector<std::string> result;
  for (const toml::node& element : *array) {
    if (auto text = element.value_exact<std::string>()) result.push_back(std::move(*text));
  }
  return result;
}

std::optional<std::vector<std::string>> TomlFile::texts(std::string_view key) const {
  if (auto array = strings(key)) return array;
  if (auto text = string(key)) return std::vector<std::string>{std::move(*text)};
  if (const auto yes = boolean(key)) return std::vector<std::string>{*yes ? "true" : "false"};
  if (const auto number = integer(key)) return std::vector<std::string>{base::concat(*number)};
  return std::nullopt;
}

bool TomlFile::appends(std::string_view key) const {
  const toml::array* array = document_->table.at_path(key).as_array();
  if (array == nullptr) return false;
  return std::any_of(array->begin(), array->end(), [](const toml::node& element) {
    const toml::table* table = element.as_table();
    return table != nullptr && (*table)["append"].value_or(false);
  });
}

std::optional<std::string> TomlFile::shown(std::string_view key) const {
  const toml::node_view<const toml::node> node = document_->table.at_path(key);
  if (!node) return std::nullopt;
  return show(*node.node());
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

std::string without_comments(std::string_view toml_text) {
  const bool has_long_texts =
      toml_text.find("\"\"\"") != std::string_view::npos || toml_text.find("'''") != std::string_view::npos;
  if (has_long_texts) return std::string{toml_text};  // in which a line may begin with '#'
  std::string text;
  for (const std::string_view line : base::split(toml_text, '\n')) {
    if (!base::trim(line).starts_with('#')) text += line;
    text += '\n';
  }
  return text;
}

bool mentions(std::string_view toml_text, const std::vector<std::string_view>& words) {
  for (std::string_view line : base::split(toml_text, '\n')) {
    line = base::trim(line);
    if (line.empty() || line.front() == '#') continue;
    const auto occurs = [line](std::string_view word) { return line.find(word) != std::string_view::npos; };
    if (std::any_of(words.begin(), words.end(), occurs)) return true;
  }
  return false;
}

}  // namespace engine
