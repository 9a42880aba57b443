#include "base/digest.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace base {

Digest Digest::parse(std::string_view text) {
  constexpr std::string_view prefix = "sha256:";
  constexpr std::size_t hex_count = 64;
  if (text.substr(0, prefix.size()) != prefix)
    throw make_error(ErrorKind::invalid_argument, "digest ", quoted(text), " does not begin with \"sha256:\"");
  const std::string_view hex = text.substr(prefix.size());
  const bool is_hex =
      std::all_of(hex.begin(), hex.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (hex.size() != hex_count || !is_hex)
    throw make_error(ErrorKind::invalid_argument, "digest ", quoted(text), " is not ", hex_count,
                     " lower-case hexadecimal digits after \"sha256:\"");
  return Digest{std::string{text}};
}

}  // namespace base
