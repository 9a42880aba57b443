#include "cmd/help.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.hpp"

namespace cmd {
namespace {

using base::concat;

constexpr std::size_t line_width = 80;
constexpr std::size_t widest_left_column = 30;

using Row = std::pair<std::string, std::string>;

/// `text` broken at blanks, later lines indented to `column`.
std::string wrapped(std::string_view text, std::size_t column) {
  std::string out;
  std::size_t used = column;
  for (const std::string_view word : base::split(text, ' ')) {
    if (!out.empty() && used + 1 + word.size() > line_width) {
      out += concat('\n', std::string(column, ' '));
      used = column;
    } else if (!out.empty()) {
      out += ' ';
      ++used;
    }
    out += word;
    used += word.size();
  }
  return out;
}

std::string rows_text(const std::vector<Row>& rows) {
  std::size_t left_width = 0;
  for (const Row& row : rows) {
    if (row.first.size() <= widest_left_column) left_width = std::max(left_width, row.first.size());
  }
  const std::size_t column = left_width + 4;
  std::string out;
  for (const auto& [left, right] : rows) {
    out += concat("  ", left);
    if (left.size() > left_width) {
      out += concat('\n', std::string(column, ' '));
    } else {
      out += std::string(column - 2 - left.size(), ' ');
    }
    out += concat(wrapped(right, column), '\n');
  }
  return out;
}

/// "-s, --signal SIGNAL"
std::string option_text(const Option& option) {
  std::string out = option.letter != 0 ? concat('-', option.letter, ", ") : std::string{"    "};
  out += concat("--", option.name);
  if (option.kind == OptionKind::optional_text) return out + concat("[=", option.value_name, ']');
  if (!option.value_name.empty()) out += concat(' ', option.value_name);
  return out;
}

std::string option_help(const Option& option) {
  std::string out{option.help};
  if (!option.choice_words.empty()) {
    out += " (";
    for (const char letter : option.choice_words) {
      if (letter == '|')
        out += ", ";
      else
        out += letter;
    }
    out += ')';
  }
  if (const std::string text = default_text(option); !text.empty()) out += concat(" [", text, ']');
  return out;
}

std::string options_text(const OptionTable& table) {
  std::vector<const Option*> shown;
  for (const Option& option : table.options()) {
    if (!option.hidden && option.treatment == Treatment::works) shown.push_back(&option);
  }
  std::sort(shown.begin(), shown.end(),
            [](const Option* left, const Option* right) { return left->name < right->name; });
  std::vector<Row> rows;
  for (const Option* option : shown) rows.emplace_back(option_text(*option), option_help(*option));
  rows.emplace_back(table.find('h') == nullptr ? "-h, --help" : "    --help", "Print this help");
  return concat("\nOptions:\n", rows_text(rows));
}

std::string other_paths(const Command& command, std::string_view path) {
  std::string out;
  for (const std::string_view other : base::split(command.paths, '|')) {
    if (other != path) out += concat(out.empty() ? "" : ", ", "engine ", other);
  }
  return out;
}

}  // namespace

std::string usage_line(const OptionTable& table, std::string_view path) {
  std::string out = concat("engine ", path);
  if (table.words_mode() != WordsMode::raw) out += " [OPTIONS]";
  for (const Positional& positional : table.positionals()) {
    const std::string_view name = positional.name;
    if (!positional.takes_many()) {
      out += positional.at_least > 0 ? concat(' ', name) : concat(" [", name, ']');
    } else {
      out += positional.at_least > 0 ? concat(' ', name, " [", name, "...]") : concat(" [", name, "...]");
    }
  }
  return out;
}

std::string overview_text(const OptionTable& global_table) {
  std::vector<Row> rows;
  for (const Command& command : all_commands()) {
    const std::string_view path = first_path(command);
    if (command.visibility == Visibility::listed && path.find(' ') == std::string_view::npos) {
      rows.emplace_back(path, command.summary);
    }
  }
  std::vector<Row> groups;
  for (const CommandGroup& group : all_groups()) groups.emplace_back(group.name, group.summary);
  return concat(
      "Runs containers from OCI images, without a daemon and without root\n\n"
      "Usage: engine [OPTIONS] COMMAND [ARG...]\n\nCommands:\n",
      rows_text(rows), "\nCommands by topic:\n", rows_text(groups), options_text(global_table),
      "\nSee engine COMMAND --help for the options of a command.\n");
}

std::string group_text(const CommandGroup& group) {
  std::vector<Row> rows;
  const std::string prefix = concat(group.name, ' ');
  for (const Command& command : all_commands()) {
    if (command.visibility == Visibility::hidden) continue;
    for (const std::string_view path : base::split(command.paths, '|')) {
      if (!path.starts_with(prefix)) continue;
      rows.emplace_back(path.substr(prefix.size()), command.summary);
      break;
    }
  }
  return concat(group.summary, "\n\nUsage: engine ", prefix, "COMMAND [ARG...]\n\nCommands:\n", rows_text(rows),
                "\nSee engine ", prefix, "COMMAND --help for the options of a command.\n");
}

std::string command_text(const Command& command, const OptionTable& table, std::string_view path) {
  std::string out = concat(command.summary, "\n\nUsage: ", usage_line(table, path), '\n');
  if (const std::string others = other_paths(command, path); !others.empty()) out += concat("Same as: ", others, '\n');
  std::vector<Row> rows;
  for (const Positional& positional : table.positionals()) rows.emplace_back(positional.name, positional.help);
  if (!rows.empty()) out += concat('\n', rows_text(rows));
  return out + options_text(table);
}

}  // namespace cmd
