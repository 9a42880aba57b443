#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace engine::templates {

enum class TokenKind {
  error,  ///< `text` says what is wrong; the last token.
  end_of_text,
  text,
  left_delimiter,
  right_delimiter,
  space,
  assign,   ///< =
  declare,  ///< :=
  pipe,
  left_parenthesis,
  right_parenthesis,
  character,  ///< Any other printable one, such as a comma.
  text_literal,
  raw_literal,
  character_literal,
  number,
  complex_number,
  boolean,
  dot,
  field,     ///< .Name
  variable,  ///< $ or $name
  identifier,
  // Keywords; the order matters to nobody but describe().
  word_block,
  word_break,
  word_continue,
  word_define,
  word_else,
  word_end,
  word_if,
  word_nil,
  word_range,
  word_template,
  word_with,
};

struct Token {
  TokenKind kind;
  std::size_t position;  ///< In bytes, from the start of the template.
  unsigned line;         ///< From 1.
  std::string text;
};

/// The whole template as tokens; ends with end_of_text or error.
/// Source: the documentation of Go's text/template, "Actions" and "Text and spaces".
std::vector<Token> tokens_of(std::string_view text);

/// As Go's errors show a token: `"}"`, <range>, EOF.
std::string describe(const Token& token);

}  // namespace engine::templates
