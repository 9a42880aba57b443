#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/digest.hpp"

namespace registry {

/// What a signature says: the manifest of that digest is the image of that name.
struct SignedClaim {
  std::string reference;  ///< As it is written; may be without a tag.
  base::Digest manifest;
};

inline constexpr std::string_view cosign_claim_type = "cosign container image signature";
inline constexpr std::string_view gpg_claim_type = "atomic container signature";

/// Pure. Strict in what is "critical". @throws Error corrupt, for another `type`, too.
/// Source: containers-signature(5) "JSON data format", which cosign uses too.
SignedClaim parse_signed_claim(std::string_view payload, std::string_view type);

/// Pure. The payload to be signed. @param seconds  Since 1970; 0: no time is noted.
std::string render_signed_claim(const SignedClaim& claim, std::string_view type, std::int64_t seconds);

/// Whether `signature` (DER) over `payload` was made with SHA-256 and the private half of `public_key` (PEM: ECDSA,
/// Ed25519 or RSA). @throws Error invalid_argument, when the key cannot be read.
bool is_signed_by(std::string_view public_key, std::string_view payload, std::string_view signature);

/// The signature (DER) over `payload` with SHA-256. @param private_key  PKCS #8, DER.
/// @throws Error invalid_argument, when the key cannot be read.
std::string sign_with_key(std::string_view private_key, std::string_view payload);

}  // namespace registry
