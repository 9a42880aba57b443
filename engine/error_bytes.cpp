#include "engine/error_bytes.hpp"

#include <vector>

#include "base/text.hpp"

namespace engine {

namespace {
constexpr std::string_view end_of_text{"\0", 1};
}

std::string encode_error(const base::Error& error) {
  return base::concat(static_cast<char>('A' + static_cast<int>(error.kind())), error.code(), end_of_text,
                      error.message(), end_of_text, error.hint());
}

base::Error decode_error(std::string_view bytes) {
  std::vector<std::string_view> texts = base::split(bytes.substr(1), '\0');
  texts.resize(3);
  return base::Error{static_cast<base::ErrorKind>(bytes.front() - 'A'), std::string{texts[1]}, std::string{texts[2]}}
      .with_code(static_cast<int>(base::parse_unsigned(texts[0]).value_or(0)));
}

}  // namespace engine
