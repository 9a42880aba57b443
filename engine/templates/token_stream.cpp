#include "engine/templates/token_stream.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace engine::templates {

using base::concat;

const Token& TokenStream::peek() {
  furthest_ = std::max(furthest_, at_);
  return tokens_[at_];
}

const Token& TokenStream::next() {
  const Token& token = peek();
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

const Token& TokenStream::peek_word() {
  while (peek().kind == TokenKind::space) ++at_;
  return peek();
}

const Token& TokenStream::next_word() {
  peek_word();
  return next();
}

const Token& TokenStream::expect(TokenKind kind, std::string_view context) {
  const Token& token = next_word();
  if (token.kind != kind) unexpected(token, context);
  return token;
}

void TokenStream::fail(std::string_view what) const {
  throw base::make_error(base::ErrorKind::invalid_argument, "template: ", name_, ':', tokens_[furthest_].line, ": ",
                         what);
}

void TokenStream::unexpected(const Token& token, std::string_view context) const {
  if (token.kind != TokenKind::error) fail(concat("unexpected ", describe(token), " in ", context));
  std::string extra;
  if (action_line_ != 0 && action_line_ != token.line) {
    extra = concat(" in action started at ", name_, ':', action_line_);
    if (token.text.ends_with(" action")) extra.erase(0, std::string_view{" in action"}.size());
  }
  fail(token.text + extra);
}

}  // namespace engine::templates
