#pragma once

#include <string>
#include <string_view>

#include "base/digest.hpp"

namespace registry {

/// What a signature says: the manifest of that digest is the image of that name.
struct SignedClaim {
  std::string reference;  ///< As it is written; may be without a tag.
  base::Digest manifest;
};

/// Pure. @throws Error corrupt. Source: containers-signature(5) "JSON data format", which cosign uses too.
SignedClaim parse_signed_claim(std::string_view payload);

/// Whether `signature` (DER) over `payload` was made with SHA-256 and the private half of `public_key` (PEM: ECDSA,
/// Ed25519 or RSA). @throws Error invalid_argument, when the key cannot be read.
bool is_signed_by(std::string_view public_key, std::string_view payload, std::string_view signature);

}  // namespace registry
