#pragma once

#include <string>
#include <string_view>

namespace registry {

/// The private key of a file as `cosign generate-key-pair` and `skopeo generate-sigstore-key` write it: PEM around JSON
/// that names scrypt and NaCl's secretbox. Returns PKCS #8, DER.
/// @throws Error invalid_argument, for another file, a wrong passphrase, and costs beyond what is sensible.
std::string open_sigstore_key(std::string_view pem, std::string_view passphrase);

}  // namespace registry
