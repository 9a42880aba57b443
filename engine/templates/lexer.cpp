#include "engine/templates/lexer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"
#include "engine/templates/quoting.hpp"

namespace engine::templates {
namespace {

using base::concat;

constexpr std::string_view blanks = " \t\r\n";
constexpr char32_t no_character = 0xffffffff;

constexpr std::array<std::pair<std::string_view, TokenKind>, 11> keywords = {{{"block", TokenKind::word_block},
                                                                              {"break", TokenKind::word_break},
                                                                              {"continue", TokenKind::word_continue},
                                                                              {"define", TokenKind::word_define},
                                                                              {"else", TokenKind::word_else},
                                                                              {"end", TokenKind::word_end},
                                                                              {"if", TokenKind::word_if},
                                                                              {"nil", TokenKind::word_nil},
                                                                              {"range", TokenKind::word_range},
                                                                              {"template", TokenKind::word_template},
                                                                              {"with", TokenKind::word_with}}};

bool is_blank(char32_t code) {
  return code == ' ' || code == '\t' || code == '\r' || code == '\n';
}
bool is_digit(char32_t code) {
  return code >= '0' && code <= '9';
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> run() {
    while (!done_) lex_text();
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return text_.substr(at_); }
  char32_t peek() const { return at_ < text_.size() ? first_character(rest()).code : no_character; }
  void step() {
    if (at_ < text_.size()) at_ += first_character(rest()).bytes;
  }
  bool accept(std::string_view any_of) {
    if (at_ >= text_.size() || any_of.find(text_[at_]) == std::string_view::npos) return false;
    ++at_;
    return true;
  }
  void accept_run(std::string_view any_of) {
    while (accept(any_of)) {
    }
  }

  /// What was read since the last token becomes one.
  void emit(TokenKind kind) {
    tokens_.push_back({kind, start_, line_, std::string{text_.substr(start_, at_ - start_)}});
    skip();
  }
  /// What was read since the last token is forgotten.
  void skip() {
    line_ += static_cast<unsigned>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(start_),
                                              text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n'));
    start_ = at_;
  }
  void fail(std::string what) {
    tokens_.push_back({TokenKind::error, start_, line_, std::move(what)});
    done_ = true;
  }

  /// "- " right behind the left delimiter.
  static bool trims_left(std::string_view after) {
    return after.size() >= 2 && after[0] == '-' && is_blank(static_cast<unsigned char>(after[1]));
  }
  /// " -" right before the right delimiter.
  bool trims_right() const {
    return at_ + 4 <= text_.size() && is_blank(static_cast<unsigned char>(text_[at_])) &&
           text_.substr(at_ + 1, 3) == "-}}";
  }
  bool at_right_delimiter() const { return trims_right() || rest().starts_with("}}"); }

  void lex_text() {
    const std::size_t found = text_.find("{{", at_);
    if (found == std::string_view::npos) {
      at_ = text_.size();
      if (at_ > start_) emit(TokenKind::text);
      emit(TokenKind::end_of_text);
      done_ = true;
      return;
    }
    const bool trims = trims_left(text_.substr(found + 2));
    std::size_t end = found;
    while (trims && end > start_ && is_blank(static_cast<unsigned char>(text_[end - 1]))) --end;
    at_ = end;
    if (at_ > start_) emit(TokenKind::text);
    at_ = found;
    skip();
    const std::size_t marker = trims ? 2 : 0;
    if (text_.substr(found + 2 + marker).starts_with("/*")) {
      at_ += 2 + marker;
      skip();
      return lex_comment();
    }
    at_ += 2;
    emit(TokenKind::left_delimiter);
    at_ += marker;
    skip();
    parentheses_ = 0;
    in_action_ = true;
    while (in_action_ && !done_) lex_action();
  }

  void lex_comment() {
    const std::size_t end = text_.find("*/", at_ + 2);
    if (end == std::string_view::npos) return fail("unclosed comment");
    at_ = end + 2;
    if (!at_right_delimiter()) return fail("comment ends before closing delimiter");
    end_action(false);
  }

  /// Past the right delimiter, and the blanks behind it that it trims.
  void end_action(bool with_token) {
    const bool trims = trims_right();
    if (trims) {
      at_ += 2;
      skip();
    }
    at_ += 2;
    if (with_token) emit(TokenKind::right_delimiter);
    if (trims) accept_run(blanks);
    skip();
    in_action_ = false;
  }

  void lex_action() {
    if (at_right_delimiter()) {
      if (parentheses_ > 0) return fail("unclosed left paren");
      return end_action(true);
    }
    const char32_t code = peek();
    if (code == no_character) return fail("unclosed action");
    if (is_blank(code)) return lex_blanks();
    if (code == '"') return lex_literal('"', TokenKind::text_literal, "unterminated quoted string");
    if (code == '\'') return lex_literal('\'', TokenKind::character_literal, "unterminated character constant");
    if (code == '`') return lex_raw();
    if (code == '$') return step(), lex_name(TokenKind::variable);
    const bool number_follows = at_ + 1 < text_.size() && is_digit(static_cast<unsigned char>(text_[at_ + 1]));
    if (code == '.' && at_ + 1 < text_.size() && !number_follows) return step(), lex_name(TokenKind::field);
    if (code == '.' || code == '+' || code == '-' || is_digit(code)) return lex_number();
    if (is_word_character(code)) return lex_identifier();
    lex_sign(code);
  }

  void lex_sign(char32_t code) {
    step();
    switch (code) {
      case '=':
        return emit(TokenKind::assign);
      case '|':
        return emit(TokenKind::pipe);
      case ':':
        if (!accept("=")) return step(), fail("expected :=");
        return emit(TokenKind::declare);
      case '(':
        ++parentheses_;
        return emit(TokenKind::left_parenthesis);
      case ')':
        emit(TokenKind::right_parenthesis);
        if (--parentheses_ < 0) fail("unexpected right paren U+0029 ')'");
        return;
      default:
        if (code > ' ' && code < 0x7f) return emit(TokenKind::character);
        fail(concat("unrecognized character in action: ", name_of_character(code)));
    }
  }

  void lex_blanks() {
    while (at_ < text_.size() && is_blank(peek()) && !trims_right()) ++at_;
    if (at_ > start_) emit(TokenKind::space);
  }

  /// @param end  The mark that ends it.
  void lex_literal(char end, TokenKind kind, const char* unterminated) {
    for (++at_; at_ < text_.size() && text_[at_] != end && text_[at_] != '\n'; ++at_)
      if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
    if (at_ >= text_.size() || text_[at_] != end) return fail(unterminated);
    ++at_;
    emit(kind);
  }

  void lex_raw() {
    const std::size_t end = text_.find('`', at_ + 1);
    if (end == std::string_view::npos) return fail("unterminated raw quoted string");
    at_ = end + 1;
    emit(TokenKind::raw_literal);
  }

  bool at_terminator() const {
    const char32_t code = peek();
    return code == no_character || is_blank(code) ||
           (code < 0x80 && std::string_view{".,|:)("}.find(static_cast<char>(code)) != std::string_view::npos) ||
           rest().starts_with("}}");
  }

  void accept_word() {
    while (at_ < text_.size() && is_word_character(peek())) step();
  }

  std::string bad_character() const { return concat("bad character ", name_of_character(peek())); }

  void lex_name(TokenKind kind) {
    accept_word();
    if (!at_terminator()) return fail(bad_character());
    emit(kind == TokenKind::field && at_ == start_ + 1 ? TokenKind::dot : kind);
  }

  void lex_identifier() {
    accept_word();
    if (!at_terminator()) return fail(bad_character());
    const std::string_view word = text_.substr(start_, at_ - start_);
    for (const auto& [keyword, kind] : keywords)
      if (word == keyword) return emit(kind);
    emit(word == "true" || word == "false" ? TokenKind::boolean : TokenKind::identifier);
  }

  void lex_number() {
    bool good = scan_number();
    TokenKind kind = TokenKind::number;
    if (good && (peek() == '+' || peek() == '-')) {
      good = scan_number() && text_[at_ - 1] == 'i';
      kind = TokenKind::complex_number;
    }
    if (!good) return fail(concat("bad number syntax: ", quote(text_.substr(start_, at_ - start_))));
    emit(kind);
  }

  bool scan_number() {
    accept("+-");
    std::string_view digits = "0123456789_";
    if (accept("0")) {
      if (accept("xX")) {
        digits = "0123456789abcdefABCDEF_";
      } else if (accept("oO")) {
        digits = "01234567_";
      } else if (accept("bB")) {
        digits = "01_";
      }
    }
    accept_run(digits);
    if (accept(".")) accept_run(digits);
    if ((digits.size() == 11 && accept("eE")) || (digits.size() == 23 && accept("pP"))) {
      accept("+-");
      accept_run("0123456789_");
    }
    accept("i");
    if (!is_word_character(peek())) return true;
    step();
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t start_ = 0;  ///< Of the token that is being read.
  unsigned line_ = 1;
  int parentheses_ = 0;
  bool in_action_ = false;
  bool done_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokens_of(std::string_view text) {
  return Lexer{text}.run();
}

std::string describe(const Token& token) {
  if (token.kind == TokenKind::end_of_text) return "EOF";
  if (token.kind == TokenKind::error) return token.text;
  if (token.kind >= TokenKind::word_block || token.kind == TokenKind::dot) return concat('<', token.text, '>');
  if (token.text.size() > 10) return quote(token.text.substr(0, 10)) + "...";
  return quote(token.text);
}

}  // namespace engine::templates
