#include "cmd/oci_words.hpp"

#include <algorithm>

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

void check_choice(const OciOption& option, std::string_view value) {
  if (option.value_name.find('|') == std::string_view::npos) return;
  const auto choices = base::split(option.value_name, '|');
  if (std::find(choices.begin(), choices.end(), value) == choices.end())
    throw base::make_error(base::ErrorKind::invalid_argument, "--", option.name, " is one of ", option.value_name,
                           ", not ", base::quoted(value));
}

class Splitter {
 public:
  Splitter(const std::vector<OciOption>& options, const std::vector<std::string>& words, bool stop_at_word)
      : options_(options), words_(words), stop_at_word_(stop_at_word) {}

  OciWords run() {
    while (next_ < words_.size()) {
      const std::string& word = words_[next_++];
      if (only_words_ || word.size() < 2 || word.front() != '-') {
        result_.words.push_back(word);
        only_words_ |= stop_at_word_;
      } else if (word == "--") {
        only_words_ = true;
      } else {
        take_option(word);
      }
    }
    return std::move(result_);
  }

 private:
  void take_option(const std::string& word) {
    const bool has_two_dashes = word[1] == '-';
    const std::string_view text = std::string_view{word}.substr(has_two_dashes ? 2 : 1);
    const auto pair = base::split_once(text, '=');
    const OciOption* option = find_option(options_, pair ? pair->first : text);
    if (option == nullptr) {
      if (!has_two_dashes && is_cluster(text)) return take_cluster(text);
      throw usage_error("unknown option", word);
    }
    if (option->takes_value()) return take_value(*option, word, pair);
    if (pair && pair->second != "true" && pair->second != "false") throw usage_error("no value is possible in", word);
    if (!pair || pair->second == "true") result_.options.emplace_back(option->name, "");
  }

  void take_value(const OciOption& option, const std::string& word,
                  const std::optional<std::pair<std::string_view, std::string_view>>& pair) {
    if (!pair && next_ == words_.size()) throw usage_error("no value for option", word);
    std::string value{pair ? pair->second : std::string_view{words_[next_++]}};
    check_choice(option, value);
    result_.options.emplace_back(option.name, std::move(value));
  }

  bool is_cluster(std::string_view letters) const {
    return std::all_of(letters.begin(), letters.end(), [&](const char& letter) {
      const OciOption* option = find_option(options_, {&letter, 1});
      return option != nullptr && !option->takes_value();
    });
  }

  void take_cluster(std::string_view letters) {
    for (const char& letter : letters) result_.options.emplace_back(find_option(options_, {&letter, 1})->name, "");
  }

  const std::vector<OciOption>& options_;
  const std::vector<std::string>& words_;
  const bool stop_at_word_;
  OciWords result_;
  std::size_t next_ = 0;
  bool only_words_ = false;
};

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

std::optional<std::uint64_t> OciWords::number(std::string_view name, std::uint64_t largest) const {
  const auto text = value(name);
  if (!text) return std::nullopt;
  const auto parsed = base::parse_unsigned(*text);
  if (!parsed || *parsed > largest)
    throw base::make_error(base::ErrorKind::invalid_argument, "--", name, " is a number up to ", largest, ", not ",
                           base::quoted(*text));
  return parsed;
}

OciWords split_oci_words(const std::vector<OciOption>& options, const std::vector<std::string>& words,
                         bool stop_at_word) {
  return Splitter{options, words, stop_at_word}.run();
}

}  // namespace cmd
