#include "engine/error_bytes.hpp"

#include "base/text.hpp"

namespace engine {

std::string encode_error(const base::Error& error) {
  return base::concat(static_cast<char>('A' + static_cast<int>(error.kind())), error.message(),
                      std::string_view{"\0", 1}, error.hint());
}

base::Error decode_error(std::string_view bytes) {
  const auto texts = base::split_once(bytes.substr(1), '\0');
  return base::Error{static_cast<base::ErrorKind>(bytes.front() - 'A'),
                     std::string{texts ? texts->first : bytes.substr(1)}, std::string{texts ? texts->second : ""}};
}

}  // namespace engine
