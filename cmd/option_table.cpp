#include "cmd/option_table.hpp"

#include <utility>

#include "base/text.hpp"

namespace cmd {

Option& OptionTable::add(Option option) {
  return options_.emplace_back(std::move(option));
}

Option& OptionTable::flag(std::string_view name, char letter, bool& target, std::string_view help) {
  return add({.name = name, .letter = letter, .kind = OptionKind::flag, .help = help, .target = &target});
}

Option& OptionTable::flag(std::string_view name, char letter, std::optional<bool>& target, std::string_view help) {
  return add({.name = name, .letter = letter, .kind = OptionKind::flag, .help = help, .target = &target});
}

Option& OptionTable::text(std::string_view name, char letter, std::string_view value_name, std::string& target,
                          std::string_view help) {
  return add({.name = name,
              .letter = letter,
              .kind = OptionKind::text,
              .value_name = value_name,
              .help = help,
              .target = &target});
}

Option& OptionTable::text(std::string_view name, char letter, std::string_view value_name,
                          std::optional<std::string>& target, std::string_view help) {
  return add({.name = name,
              .letter = letter,
              .kind = OptionKind::text,
              .value_name = value_name,
              .help = help,
              .target = &target});
}

Option& OptionTable::list(std::string_view name, char letter, std::string_view value_name,
                          std::vector<std::string>& target, std::string_view help) {
  return add({.name = name,
              .letter = letter,
              .kind = OptionKind::list,
              .value_name = value_name,
              .help = help,
              .target = &target});
}

Option& OptionTable::comma_list(std::string_view name, char letter, std::string_view value_name,
                                std::vector<std::string>& target, std::string_view help) {
  Option& option = list(name, letter, value_name, target, help);
  option.kind = OptionKind::comma_list;
  return option;
}

Option& OptionTable::number(std::string_view name, char letter, std::string_view value_name, Target target,
                            std::string_view help) {
  return add({.name = name,
              .letter = letter,
              .kind = OptionKind::number,
              .value_name = value_name,
              .help = help,
              .target = target});
}

Option& OptionTable::known(std::string_view name, char letter, OptionKind kind, Treatment treatment,
                           std::string_view harmless) {
  return add({.name = name,
              .letter = letter,
              .kind = kind,
              .value_name = kind == OptionKind::flag ? "" : "VALUE",
              .treatment = treatment,
              .hidden = true,
              .harmless = harmless});
}

Positional& OptionTable::word(std::string_view name, std::string& target, std::string_view help) {
  return positionals_.emplace_back(Positional{.name = name, .help = help, .target = &target});
}

Positional& OptionTable::words(std::string_view name, std::vector<std::string>& target, unsigned at_least,
                               std::string_view help) {
  return positionals_.emplace_back(Positional{.name = name, .help = help, .target = &target, .at_least = at_least});
}

const Option* OptionTable::find(std::string_view name) const {
  for (const Option& option : options_) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

const Option* OptionTable::find(char letter) const {
  for (const Option& option : options_) {
    if (option.letter == letter && letter != 0) return &option;
  }
  return nullptr;
}

std::string default_text(const Option& option) {
  if (option.treatment != Treatment::works) return {};
  if (!option.shown_default.empty()) return std::string{option.shown_default};
  if (auto* const* flag = std::get_if<bool*>(&option.target)) return **flag ? "true" : "";
  if (auto* const* text = std::get_if<std::string*>(&option.target)) return **text;
  if (auto* const* number = std::get_if<unsigned*>(&option.target)) return **number == 0 ? "" : base::concat(**number);
  if (auto* const* number = std::get_if<int*>(&option.target)) return **number == 0 ? "" : base::concat(**number);
  return {};
}

bool is_one_of(std::string_view word, std::string_view words) {
  if (words.empty()) return false;
  for (const std::string_view candidate : base::split(words, '|')) {
    if (candidate == word) return true;
  }
  return false;
}

}  // namespace cmd
