#include "cmd/option_walk.hpp"

#include <optional>
#include <utility>

#include "base/error.hpp"
#include "cmd/suggest.hpp"

namespace cmd {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

/// Go's strconv.ParseBool.
std::optional<bool> parse_flag_value(std::string_view text) {
  if (is_one_of(text, "1|t|T|TRUE|true|True")) return true;
  if (is_one_of(text, "0|f|F|FALSE|false|False")) return false;
  return std::nullopt;
}

class Walker {
 public:
  Walker(const OptionTable& table, const OptionTable& global_table, const std::vector<std::string>& words,
         std::string_view command)
      : table_(table), global_table_(global_table), words_(words), command_(command) {}

  Walk run() {
    while (next_ < words_.size()) {
      const std::string& word = words_[next_++];
      const bool is_option = table_.words_mode() != WordsMode::raw && word.size() > 1 && word.front() == '-';
      if (!is_option) {
        walk_.words.push_back(word);
        if (table_.words_mode() != WordsMode::anywhere) break;
      } else if (word == "--") {
        break;
      } else if (word[1] == '-') {
        take_long(std::string_view{word}.substr(2));
      } else {
        take_letters(std::string_view{word}.substr(1), word);
      }
    }
    walk_.words.insert(walk_.words.end(), words_.begin() + static_cast<std::ptrdiff_t>(next_), words_.end());
    return std::move(walk_);
  }

 private:
  /// `--name`, `--name=value`, `--name value`.
  void take_long(std::string_view text) {
    const std::size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    if (name.empty() || name.front() == '-') {
      throw make_error(ErrorKind::invalid_argument, "malformed option ", quoted(concat("--", text)));
    }
    const std::string shown = concat("--", name);
    const Option* option = find(name);
    if (option == nullptr) {
      if (name == "help") return void(walk_.wants_help = true);
      throw unknown(shown);
    }
    if (equals != std::string_view::npos) return give(*option, std::string{text.substr(equals + 1)}, shown);
    give_without_equals(*option, shown);
  }

  /// `-it`, `-eA=1`, `-e=A=1`, `-e A=1`, `-it=false`. `cluster` is the whole word, for messages.
  void take_letters(std::string_view letters, const std::string& cluster) {
    while (!letters.empty()) {
      const char letter = letters.front();
      letters.remove_prefix(1);
      const std::string shown = concat('-', letter);
      const Option* option = find(letter);
      if (option == nullptr) {
        if (letter == 'h') {
          walk_.wants_help = true;
          continue;
        }
        throw unknown(cluster.size() == 2 ? shown : concat(shown, " in ", cluster));
      }
      const bool takes_value = option->kind != OptionKind::flag && option->kind != OptionKind::optional_text;
      if (letters.size() > 1 && letters.front() == '=') return give(*option, std::string{letters.substr(1)}, shown);
      if (takes_value && !letters.empty()) return give(*option, std::string{letters}, shown);
      give_without_equals(*option, shown);
    }
  }

  /// The option stands alone: a flag is true, an implied value is taken, anything else eats the next word, whatever
  /// that looks like (`-m -1`).
  void give_without_equals(const Option& option, const std::string& shown) {
    if (option.kind == OptionKind::flag) return give(option, "true", shown);
    if (option.kind == OptionKind::optional_text) return give(option, std::string{option.implied}, shown);
    if (next_ == words_.size()) {
      throw make_error(ErrorKind::invalid_argument, shown, " of ", quoted(command_), " needs a value");
    }
    give(option, words_[next_++], shown);
  }

  void give(const Option& option, std::string value, const std::string& shown) {
    if (option.kind == OptionKind::flag) {
      const std::optional<bool> yes = parse_flag_value(value);
      if (!yes) {
        throw make_error(ErrorKind::invalid_argument, shown, " is true or false, not ", quoted(value));
      }
      value = *yes ? "true" : "false";
    }
    auto& taken = found_in_globals_ ? walk_.global_options : walk_.options;
    taken.push_back({&option, std::move(value)});
  }

  const Option* find(std::string_view name) {
    const Option* option = table_.find(name);
    found_in_globals_ = option == nullptr;
    return option != nullptr ? option : global_table_.find(name);
  }

  /// Letters of the global table (`-v`) mean that only in front of the command.
  const Option* find(char letter) {
    found_in_globals_ = false;
    return table_.find(letter);
  }

  base::Error unknown(const std::string& shown) const {
    std::vector<std::string> known{"--help"};
    for (const OptionTable* table : {&table_, &global_table_}) {
      for (const Option& option : table->options()) {
        if (option.treatment == Treatment::works && !option.hidden) known.push_back(concat("--", option.name));
      }
    }
    const std::string nearest = shown.starts_with("--") ? nearest_word(shown, known) : "";
    return make_error(ErrorKind::invalid_argument, "unknown option ", shown, " of ", quoted(command_))
        .with_hint(nearest.empty() ? concat("see ", command_, " --help") : concat("did you mean ", nearest, "?"));
  }

  const OptionTable& table_;
  const OptionTable& global_table_;
  const std::vector<std::string>& words_;
  const std::string_view command_;
  Walk walk_;
  std::size_t next_ = 0;
  bool found_in_globals_ = false;
};

}  // namespace

Walk walk_words(const OptionTable& table, const OptionTable& global_table, const std::vector<std::string>& words,
                std::string_view command) {
  return Walker{table, global_table, words, command}.run();
}

}  // namespace cmd
