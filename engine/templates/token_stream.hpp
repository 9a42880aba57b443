#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/templates/lexer.hpp"

namespace engine::templates {

/// The tokens of a template one after the other, and errors that name the line as Go does.
class TokenStream {
 public:
  /// `name` outlives this.
  TokenStream(const std::string& name, std::string_view text) : name_(name), tokens_(tokens_of(text)) {}

  const Token& peek();
  const Token& next();
  // Past blanks.
  const Token& peek_word();
  const Token& next_word();
  const Token& expect(TokenKind kind, std::string_view context);

  std::size_t mark() const { return at_; }
  void go_back(std::size_t mark) { at_ = mark; }
  /// Where the action began that is being parsed; 0 outside of any.
  void set_action_line(unsigned line) { action_line_ = line; }
  const std::string& name() const { return name_; }

  /// "template: NAME:LINE: what"
  [[noreturn]] void fail(std::string_view what) const;
  [[noreturn]] void unexpected(const Token& token, std::string_view context) const;

 private:
  const std::string& name_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t furthest_ = 0;  ///< The last token that was looked at: its line is the one of errors.
  unsigned action_line_ = 0;
};

}  // namespace engine::templates
