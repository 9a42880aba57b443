#include "base/digest.hpp"

#include "base/error.hpp"

namespace base {

namespace {

/// Without a branch for each digit: there are five of these to a line of a long list.
bool is_lower_hex(std::string_view text) {
  unsigned wrong = 0;
  for (const char c : text)
    wrong |= static_cast<unsigned>(static_cast<unsigned char>(c - '0') > 9) &
             static_cast<unsigned>(static_cast<unsigned char>(c - 'a') > 5);
  return wrong == 0;
}

}  // namespace

Digest Digest::parse(std::string_view text) {
  constexpr std::string_view prefix = "sha256:";
  constexpr std::size_t hex_count = 64;
  if (text.substr(0, prefix.size()) != prefix)
    throw make_error(ErrorKind::invalid_argument, "digest ", quoted(text), " does not begin with \"sha256:\"");
  const std::string_view hex = text.substr(prefix.size());
  if (hex.size() != hex_count || !is_lower_hex(hex.substr(0, hex_count)))
    throw make_error(ErrorKind::invalid_argument, "digest ", quoted(text), " is not ", hex_count,
                     " lower-case hexadecimal digits after \"sha256:\"");
  return Digest{std::string{text}};
}

}  // namespace base
