#include "registry/challenge.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace registry {

namespace {

base::Error bad_header(std::string_view problem) {
  return base::make_error(base::ErrorKind::network, "WWW-Authenticate header ", problem);
}

/// Source: RFC 9110 5.6.2.
bool is_token_byte(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return c != '\0' && std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
}

class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool at_end() const { return position_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[position_]; }
  std::size_t position() const { return position_; }
  void go_to(std::size_t position) { position_ = position; }

  bool take(char wanted) {
    if (at_end() || text_[position_] != wanted) return false;
    ++position_;
    return true;
  }
  void skip_blanks() {
    while (peek() == ' ' || peek() == '\t') ++position_;
  }
  /// Lists may hold empty elements (RFC 9110 5.6.1.2).
  void skip_separators() {
    while (peek() == ' ' || peek() == '\t' || peek() == ',') ++position_;
  }
  std::string_view token() {
    const std::size_t start = position_;
    while (!at_end() && is_token_byte(text_[position_])) ++position_;
    return text_.substr(start, position_ - start);
  }
  /// After the opening quote.
  std::string quoted_string() {
    std::string out;
    while (!at_end()) {
      char c = text_[position_++];
      if (c == '"') return out;
      if (c == '\\') {
        if (at_end()) break;
        c = text_[position_++];
      }
      if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) throw bad_header("holds a control byte");
      out.push_back(c);
    }
    throw bad_header("has an unbalanced quote");
  }
  /// An unquoted value. Wider than the grammar's token: some registries do not quote "host:5000" or "a:b:pull".
  std::string_view bare_value() {
    const std::size_t start = position_;
    while (peek() > ' ' && peek() < 0x7f && peek() != ',' && peek() != '"') ++position_;
    return text_.substr(start, position_ - start);
  }
  void skip_token68() {
    while (!at_end() && (is_token_byte(peek()) || peek() == '/' || peek() == '=')) ++position_;
  }

 private:
  std::string_view text_;
  std::size_t position_ = 0;
};

/// Reads name "=" value; leaves the cursor alone and returns false when there is something else.
bool take_parameter(Cursor& cursor, Challenge& challenge) {
  const std::size_t start = cursor.position();
  const std::string_view name = cursor.token();
  cursor.skip_blanks();
  if (name.empty() || !cursor.take('=')) {
    cursor.go_to(start);
    return false;
  }
  cursor.skip_blanks();
  std::string value;
  if (cursor.take('"')) {
    value = cursor.quoted_string();
  } else {
    value = cursor.bare_value();
    if (value.find_first_not_of('=') == std::string::npos) {  // the padding of a token68
      cursor.go_to(start);
      return false;
    }
  }
  if (challenge.parameters.size() == max_challenge_parameters) throw bad_header("has too many parameters");
  challenge.parameters.emplace_back(base::to_lower(name), std::move(value));
  return true;
}

void read_parameters(Cursor& cursor, Challenge& challenge) {
  bool is_first = true;
  while (!cursor.at_end()) {
    const std::size_t start = cursor.position();
    cursor.skip_separators();
    if (take_parameter(cursor, challenge)) {
      cursor.skip_blanks();
      if (!cursor.at_end() && cursor.peek() != ',') throw bad_header("is malformed");
      is_first = false;
      continue;
    }
    if (!is_first || cursor.position() != start) {  // the next challenge begins here
      return;
    }
    cursor.skip_token68();
    cursor.skip_blanks();
    if (!cursor.at_end() && cursor.peek() != ',') throw bad_header("is malformed");
    return;
  }
}

}  // namespace

std::string_view Challenge::parameter(std::string_view name) const {
  const auto found =
      std::find_if(parameters.begin(), parameters.end(),
                   [&](const std::pair<std::string, std::string>& entry) { return entry.first == name; });
  return found == parameters.end() ? std::string_view{} : std::string_view{found->second};
}

std::vector<Challenge> parse_challenges(std::string_view header) {
  if (header.size() > max_challenge_bytes) throw bad_header("is too long");
  std::vector<Challenge> challenges;
  Cursor cursor{header};
  cursor.skip_separators();
  while (!cursor.at_end()) {
    if (challenges.size() == max_challenges) throw bad_header("has too many challenges");
    Challenge challenge;
    challenge.scheme = base::to_lower(cursor.token());
    if (challenge.scheme.empty()) throw bad_header("is malformed");
    if (cursor.peek() == ' ' || cursor.peek() == '\t') {
      cursor.skip_blanks();
      read_parameters(cursor, challenge);
    } else if (!cursor.at_end() && cursor.peek() != ',') {
      throw bad_header("is malformed");
    }
    challenges.push_back(std::move(challenge));
    cursor.skip_separators();
  }
  return challenges;
}

}  // namespace registry
