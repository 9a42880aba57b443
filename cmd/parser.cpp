#include "cmd/parser.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"

// The only file that knows CLI11. The walk has decided which words are options and which values they have; here CLI11
// gathers, validates and converts them. Its app is built from the table, but only from the options that were given:
// declaring costs CLI11 time in the square of their number, and `run` knows some 180.

namespace cmd {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

/// What is wrong with `value`, or nothing.
std::string problem_of(const Option& option, const std::string& value) {
  if (!option.choice_words.empty() && !is_one_of(value, option.choice_words)) {
    std::string words{option.choice_words};
    for (std::size_t at = 0; (at = words.find('|', at)) != std::string::npos;) words.replace(at, 1, ", ");
    return concat(quoted(value), " is not one of ", words);
  }
  if (option.check != nullptr) {
    if (const std::string_view problem = option.check(value); !problem.empty())
      return concat(quoted(value), " ", problem);
  }
  if (option.kind != OptionKind::number || option.treatment != Treatment::works) return {};
  const bool is_signed =
      std::holds_alternative<int*>(option.target) || std::holds_alternative<std::int64_t*>(option.target);
  const std::optional<std::int64_t> number = base::parse_signed(value);
  const bool fits =
      number && (std::holds_alternative<std::int64_t*>(option.target) ||
                 (is_signed ? *number >= std::numeric_limits<int>::min() && *number <= std::numeric_limits<int>::max()
                            : *number >= 0 && *number <= std::numeric_limits<unsigned>::max()));
  if (fits) return {};
  return concat(quoted(value), is_signed ? " is not a number" : " is not a number from 0 upwards");
}

/// Stores what CLI11 gathered for one option; every value has passed problem_of.
class Store {
 public:
  Store(const Option& option, const CLI::results_t& results) : option_(option), results_(results) {}

  void operator()(std::monostate) const {}
  void operator()(bool* target) const { *target = results_.back() == "true"; }
  void operator()(std::optional<bool>* target) const { *target = results_.back() == "true"; }
  void operator()(std::string* target) const { *target = results_.back(); }
  void operator()(std::optional<std::string>* target) const { *target = results_.back(); }
  void operator()(unsigned* target) const { *target = static_cast<unsigned>(*base::parse_signed(results_.back())); }
  void operator()(std::optional<unsigned>* target) const {
    *target = static_cast<unsigned>(*base::parse_signed(results_.back()));
  }
  void operator()(int* target) const { *target = static_cast<int>(*base::parse_signed(results_.back())); }
  void operator()(std::int64_t* target) const { *target = *base::parse_signed(results_.back()); }
  void operator()(std::vector<std::string>* target) const {
    for (const std::string& value : results_) {
      if (option_.kind != OptionKind::comma_list) {
        target->push_back(value);
        continue;
      }
      for (const std::string_view part : base::split(value, ',')) target->emplace_back(part);
    }
  }

 private:
  const Option& option_;
  const CLI::results_t& results_;
};

void declare(CLI::App& app, const Option& option) {
  const auto store = [&option](const CLI::results_t& results) {
    std::visit(Store{option, results}, option.target);
    return true;
  };
  app.add_option(concat("--", option.name), CLI::callback_t{store})
      ->expected(1, CLI::detail::expected_max_vector_size)
      ->allow_extra_args(false)  // one value per mention; also keeps CLI11 from splitting "[a,b]"
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check([&option](const std::string& value) { return problem_of(option, value); });
}

/// What CLI11 would say itself, but with a hint; also of limits that are not enforced.
void check_value(const Given& given) {
  const Option& option = *given.option;
  if (option.check == nullptr) return;
  if (const std::string problem = problem_of(option, given.value); !problem.empty())
    throw make_error(ErrorKind::invalid_argument, "--", option.name, ": ", problem)
        .with_hint(std::string{option.accepted});
}

void check_exclusion(const Given& one, const std::vector<Given>& given) {
  if (one.option->excluded.empty()) return;
  for (const Given& other : given)
    if (is_one_of(other.option->name, one.option->excluded))
      throw make_error(ErrorKind::invalid_argument, "--", other.option->name, " and --", one.option->name,
                       " cannot be set together");
}

/// Whether the option has no effect to bind; refused ones end here.
bool is_settled(const Given& given) {
  const Option& option = *given.option;
  if (option.treatment == Treatment::works) return false;
  const bool is_harmless = is_one_of(given.value, option.harmless) ||
                           (option.kind == OptionKind::flag && given.value == "false" && option.harmless.empty());
  const std::string shown = concat("--", option.name);
  if (option.treatment == Treatment::refused && !is_harmless) {
    throw make_error(ErrorKind::unsupported, shown, ' ',
                     option.refusal.empty() ? std::string_view{"is not supported yet"} : option.refusal)
        .with_hint(option.refusal.empty() ? std::string{} : std::string{option.accepted});
  }
  return true;
}

}  // namespace

void bind_options(const std::vector<Given>& given) {
  if (given.empty()) return;
  CLI::App app;
  app.set_help_flag();
  std::vector<const Option*> declared;
  std::vector<std::string> words;
  for (const Given& one : given) {
    check_value(one);
    check_exclusion(one, given);
    if (is_settled(one)) continue;
    if (std::find(declared.begin(), declared.end(), one.option) == declared.end()) {
      declare(app, *one.option);
      declared.push_back(one.option);
    }
    words.push_back(concat("--", one.option->name));
    words.push_back(one.value);
  }
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  try {
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {  // "--tail: "x" is not a number"
    throw base::Error{ErrorKind::invalid_argument, error.what()};
  }
}

void bind_words(const OptionTable& table, const std::vector<std::string>& words, std::string_view command) {
  std::size_t next = 0;
  for (const Positional& positional : table.positionals()) {
    const std::size_t left = words.size() - next;
    if (left < positional.at_least) {
      throw make_error(ErrorKind::invalid_argument, quoted(command), " needs ",
                       positional.takes_many() ? "at least one " : "", positional.name)
          .with_hint(concat("see ", command, " --help"));
    }
    if (auto* const* one = std::get_if<std::string*>(&positional.target)) {
      if (left > 0) **one = words[next++];
      continue;
    }
    auto& many = *std::get<std::vector<std::string>*>(positional.target);
    many.insert(many.end(), words.begin() + static_cast<std::ptrdiff_t>(next), words.end());
    next = words.size();
  }
  if (next == words.size()) return;
  throw make_error(ErrorKind::invalid_argument, quoted(command), " does not take the word ", quoted(words[next]))
      .with_hint(concat("see ", command, " --help"));
}

}  // namespace cmd
