#include "cmd/oci_words.hpp"

#include "base/error.hpp"

namespace cmd {
namespace {

const OciOption* find_option(const std::vector<OciOption>& options, std::string_view name) {
  for (const OciOption& option : options)
    if (option.name == name || (name.size() == 1 && option.short_name == name.front())) return &option;
  return nullptr;
}

base::Error usage_error(std::string_view what, std::string_view option) {
  return base::make_error(base::ErrorKind::invalid_argument, what, " ", base::quoted(option))
      .with_hint("see engine runtime --help");
}

}  // namespace

bool OciWords::has(std::string_view name) const {
  return value(name).has_value();
}

std::optional<std::string> OciWords::value(std::string_view name) const {
  std::optional<std::string> found;
  for (const auto& [key, text] : options)
    if (key == name) found = text;
  return found;
}

std::string OciWords::value_or(std::string_view name, std::string_view fallback) const {
  return value(name).value_or(std::string{fallback});
}

std::vector<std::string> OciWords::values(std::string_view name) const {
  std::vector<std::string> found;
  for (const auto& [key, text] : options)
    if (key == name) found.push_back(text);
  return found;
}

OciWords split_oci_words(const std::vector<OciOption>& options, const std::vector<std::string>& words,
                         bool stop_at_word) {
  OciWords result;
  bool only_words = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (only_words || word.size() < 2 || word.front() != '-') {
      result.words.push_back(word);
      only_words |= stop_at_word;
      continue;
    }
    if (word == "--") {
      only_words = true;
      continue;
    }
    const std::string_view text = std::string_view{word}.substr(word[1] == '-' ? 2 : 1);
    const auto pair = base::split_once(text, '=');
    const OciOption* option = find_option(options, pair ? pair->first : text);
    if (option == nullptr) throw usage_error("unknown option", word);
    std::string value{pair ? pair->second : ""};
    if (option->takes_value && !pair) {
      if (++i == words.size()) throw usage_error("no value for option", word);
      value = words[i];
    }
    if (!option->takes_value && pair && value != "true") {
      if (value != "false") throw usage_error("no value is possible in", word);
      continue;
    }
    result.options.emplace_back(option->name, std::move(value));
  }
  return result;
}

}  // namespace cmd
