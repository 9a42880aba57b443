#pragma once

#include <string>

namespace engine {

/// What to sign with; both keys empty: nothing is signed.
struct SigningOptions {
  std::string gpg_key;          ///< Fingerprint, or another word by which gpg finds the key.
  std::string sigstore_key;     ///< Path of an encrypted private key as cosign makes them.
  std::string passphrase_file;  ///< Whose first line is the passphrase of either; empty: gpg asks, cosign's has none.
  std::string identity;         ///< The name that is signed; empty: where the image goes.
  bool is_asked() const { return !gpg_key.empty() || !sigstore_key.empty(); }
};

}  // namespace engine
