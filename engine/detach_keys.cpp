#include "engine/detach_keys.hpp"

#include "base/error.hpp"

namespace engine {

namespace {

char key_of(std::string_view word, std::string_view text) {
  if (word.size() == 1) return word.front();
  if (word.size() == 6 && word.starts_with("ctrl-")) {
    const char key = word.back();
    if (key >= 'a' && key <= 'z') return static_cast<char>(key - 'a' + 1);
    const std::string_view others = "@[\\]^_";
    constexpr char codes[] = {0, 27, 28, 29, 30, 31};
    if (const std::size_t at = others.find(key); at != std::string_view::npos) return codes[at];
  }
  throw base::make_error(base::ErrorKind::invalid_argument, "detach keys ", base::quoted(text), ": ",
                         base::quoted(word), " is neither a character nor ctrl- and one of a-z @ [ \\ ] ^ _");
}

}  // namespace

std::string parse_detach_keys(std::string_view text) {
  std::string keys;
  if (text.empty()) return keys;
  for (const std::string_view word : base::split(text, ',')) keys.push_back(key_of(word, text));
  return keys;
}

bool DetachScanner::scan(std::string_view typed, std::string& pass) {
  for (const char byte : typed) {
    if (!keys_.empty() && byte == keys_[matched_]) {
      if (++matched_ == keys_.size()) return true;
      continue;
    }
    pass.append(keys_, 0, matched_);
    matched_ = 0;
    if (!keys_.empty() && byte == keys_[0] && keys_.size() > 1)
      matched_ = 1;
    else
      pass.push_back(byte);
  }
  return false;
}

}  // namespace engine
