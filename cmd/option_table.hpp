#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// What a command line may contain, as plain data. The walk over argv, the conversion of values, help, man pages and
// completions are all made from these tables (ARCHITECTURE.md 8.5).

namespace cmd {

enum class OptionKind {
  flag,           ///< `--rm`, `--rm=false`
  text,           ///< `--name web`, `--name=web`
  optional_text,  ///< `--opt` means its implied value; another one only as `--opt=value`
  list,           ///< may be given several times
  comma_list,     ///< as list, and each value may hold several, separated by commas
  number,
};

enum class Treatment {
  works,
  ignored,  ///< Harmless: accepted and without effect.
  refused,  ///< Known, but not supported yet: an error, unless the value is one of `harmless`.
};

/// What a shell may offer as the value.
enum class Completes { nothing, files, directories, containers, running_containers, images, volumes, commands };

/// Where a converted value goes. The pointer outlives the table: options are bound to a struct the command holds.
using Target = std::variant<std::monostate, bool*, std::optional<bool>*, std::string*, std::optional<std::string>*,
                            std::vector<std::string>*, unsigned*, std::optional<unsigned>*, int*, std::int64_t*>;

/// Says what is wrong with a value ("is not a duration"); empty when nothing is.
using Check = std::string_view (*)(std::string_view value);

struct Option {
  std::string_view name;  ///< Without dashes.
  char letter = 0;        ///< 0: no short form.
  OptionKind kind = OptionKind::flag;
  std::string_view value_name;  ///< "NAME=VALUE"; empty for flags.
  std::string_view help;
  Target target;
  Treatment treatment = Treatment::works;
  bool hidden = false;             ///< Another spelling, or for our own processes: works, but help does not show it.
  std::string_view choice_words;   ///< "always|missing|never": any other value is an error.
  std::string_view harmless;       ///< Values of a refused option that ask for what happens anyway: "no|false".
  std::string_view shown_default;  ///< For help, when the target's own value does not tell.
  std::string_view implied;        ///< Value of an optional_text without `=`.
  std::string_view refusal;        ///< Why it is refused, when "is not supported yet" is not it.
  Completes completes = Completes::nothing;
  Check check = nullptr;
  std::string_view accepted;  ///< The hint when `check` has found something: the form that it wants.
  std::string_view excluded;  ///< Options that may not be given together with this one: "cpu-period|cpu-quota".

  Option& choices(std::string_view words) { return choice_words = words, *this; }
  Option& defaults_to(std::string_view text) { return shown_default = text, *this; }
  Option& offers(Completes what) { return completes = what, *this; }
  Option& checked_by(Check with, std::string_view form = {}) { return check = with, accepted = form, *this; }
  Option& excludes(std::string_view names) { return excluded = names, *this; }
  Option& hide() { return hidden = true, *this; }
};

/// Words that are not options.
struct Positional {
  std::string_view name;  ///< "IMAGE"
  std::string_view help;
  std::variant<std::string*, std::vector<std::string>*> target;
  unsigned at_least = 1;
  Completes completes = Completes::nothing;

  bool takes_many() const { return std::holds_alternative<std::vector<std::string>*>(target); }
};

enum class WordsMode {
  anywhere,       ///< Options and words may alternate.
  first_is_last,  ///< The first word ends our options: what follows belongs to somebody else.
  raw,            ///< Nothing is an option.
};

/// The options and words of one command, declared when it was chosen.
class OptionTable {
 public:
  Option& flag(std::string_view name, char letter, bool& target, std::string_view help);
  Option& flag(std::string_view name, char letter, std::optional<bool>& target, std::string_view help);
  Option& text(std::string_view name, char letter, std::string_view value_name, std::string& target,
               std::string_view help);
  Option& text(std::string_view name, char letter, std::string_view value_name, std::optional<std::string>& target,
               std::string_view help);
  Option& list(std::string_view name, char letter, std::string_view value_name, std::vector<std::string>& target,
               std::string_view help);
  Option& comma_list(std::string_view name, char letter, std::string_view value_name, std::vector<std::string>& target,
                     std::string_view help);
  /// `target` is unsigned, std::optional<unsigned>, int or std::int64_t.
  Option& number(std::string_view name, char letter, std::string_view value_name, Target target, std::string_view help);
  /// An option we know and do nothing with; see Treatment.
  Option& known(std::string_view name, char letter, OptionKind kind, Treatment treatment,
                std::string_view harmless = {});
  /// The one that was declared last.
  Option& last() { return options_.back(); }

  Positional& word(std::string_view name, std::string& target, std::string_view help);
  Positional& words(std::string_view name, std::vector<std::string>& target, unsigned at_least, std::string_view help);
  void set_words_mode(WordsMode mode) { mode_ = mode; }

  const Option* find(std::string_view name) const;
  const Option* find(char letter) const;
  const std::deque<Option>& options() const { return options_; }
  const std::vector<Positional>& positionals() const { return positionals_; }
  WordsMode words_mode() const { return mode_; }

 private:
  Option& add(Option option);
  std::deque<Option> options_;  // a deque, so that references stay good while more are declared
  std::vector<Positional> positionals_;
  WordsMode mode_ = WordsMode::anywhere;
};

/// The value an option has when it is not given, as text for help; empty when there is nothing worth showing.
/// Only right before values were bound.
std::string default_text(const Option& option);

/// Whether `word` is one of "a|b|c".
bool is_one_of(std::string_view word, std::string_view words);

}  // namespace cmd
