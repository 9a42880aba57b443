#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace registry {

inline constexpr std::size_t secretbox_key_bytes = 32, secretbox_nonce_bytes = 24, secretbox_tag_bytes = 16;

/// Opens what NaCl's crypto_secretbox sealed: XSalsa20 and Poly1305. Nothing, when key or bytes are wrong.
/// @throws Error invalid_argument, for a key or nonce of another length.
/// Source: D. J. Bernstein, "Extending the Salsa20 nonce" and "Cryptography in NaCl".
std::optional<std::string> open_secretbox(std::string_view sealed, std::string_view nonce, std::string_view key);

}  // namespace registry
