#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Literals as Go writes and reads them, and UTF-8 by characters.

namespace engine::templates {

/// The character at the front of `text` and how many bytes it has; U+FFFD and 1 where that is not UTF-8. Not empty.
struct Character {
  char32_t code;
  std::size_t bytes;
};
Character first_character(std::string_view text);
void append_character(std::string& text, char32_t code);
std::size_t count_characters(std::string_view text);

/// A letter, digit or underscore of any script. Beyond Latin, all that is not known to be punctuation counts.
bool is_word_character(char32_t code);
/// Whether Go would print it rather than its number.
bool is_printable(char32_t code);

/// "a\n" with its quotes, as strconv.Quote. @param ascii_only  What is not ASCII becomes \u….
std::string quote(std::string_view text, bool ascii_only = false);
/// 'a'
std::string quote_character(char32_t code, bool ascii_only = false);
/// "U+0041 'A'", without the letter where it cannot be printed.
std::string name_of_character(char32_t code);

/// What a literal in "…" or `…` stands for; nothing when it is malformed.
std::optional<std::string> unquote(std::string_view literal);
/// What a literal in '…' stands for. @throws Error invalid_argument, in Go's words.
char32_t unquote_character(std::string_view literal);

}  // namespace engine::templates
