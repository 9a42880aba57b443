#pragma once

#include <string>
#include <string_view>
#include <vector>

// Words in values of unit files, as systemd has them. Source: systemd.syntax(7), "Quoting"; systemd.service(5),
// "Command lines".

namespace engine {

enum class UnknownEscape {
  refused,  ///< Exec=
  kept,     ///< Environment= and the like
};

/// Words between blanks; "…" and '…' hold blanks together, also within a word; C escapes are resolved. Specifiers (%n)
/// and variables ($X) stay as they are, for systemd to resolve.
/// @throws Error invalid_argument for a quote without its end, and for escapes that systemd does not know.
std::vector<std::string> split_unit_words(std::string_view value, UnknownEscape unknown = UnknownEscape::kept);

/// A word so that split_unit_words gives it back: quoted where it has to be.
std::string quote_unit_word(std::string_view word);

/// A command line for Exec…= of words that systemd shall resolve specifiers and variables in.
std::string join_unit_words(const std::vector<std::string>& words);

/// A word that systemd shall leave as it is: "%" and "$" doubled.
std::string escape_specifiers(std::string_view word);

/// What systemd takes for a boolean; nothing for any other text. Source: parse_boolean, systemd.syntax(7).
enum class UnitBoolean { no, yes, neither };
UnitBoolean parse_unit_boolean(std::string_view text);

}  // namespace engine
