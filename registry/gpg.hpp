#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/fs.hpp"

// OpenPGP by the program gpg, which must be installed: signatures of simple signing are its signed messages.
// Source: containers-signature(5), gpg(1), and GnuPG's doc/DETAILS for what --status-fd prints.

namespace registry {

/// Public keys in a folder of their own; nothing of the user's key rings, trust and options counts.
class GpgKeys {
 public:
  /// @param keys  Key rings as `gpg --export` writes them, armored or not.
  /// @throws Error unsupported, when gpg is not installed; invalid_argument, when one of them holds no key.
  explicit GpgKeys(const std::vector<std::string>& keys);

  struct Verdict {
    std::string content;  ///< What was signed.
    std::string signer;   ///< Fingerprint of the primary key.
    std::string fault;    ///< Why it does not count; then the others are empty.
  };
  /// Good when it is one message with one signature, made by one of the keys, and that key neither expired nor revoked.
  Verdict verify(std::string_view message) const;

  /// Fingerprints of the primary keys.
  const std::set<std::string>& fingerprints() const noexcept { return fingerprints_; }
  /// The mail addresses, else whole user ids, of the keys, as gpg lists them.
  std::vector<std::string> user_ids() const;

 private:
  std::string program_;
  base::TempDir folder_;
  std::set<std::string> fingerprints_;
};

/// A message that holds `content`, signed with the secret key that `key` names in the user's own key ring.
/// @param passphrase  Nothing: gpg asks its agent, which asks the user.
/// @throws Error unsupported, when gpg is not installed; not_found, when it cannot sign with that key.
std::string sign_with_gpg(std::string_view content, const std::string& key,
                          const std::optional<std::string>& passphrase);

}  // namespace registry
