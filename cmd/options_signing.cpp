#include "cmd/options_signing.hpp"

namespace cmd {

void declare_signing_options(OptionTable& table, engine::SigningOptions& options) {
  table.text("sign-by", 0, "FINGERPRINT", options.gpg_key, "Sign the image with this key of GPG");
  table
      .text("sign-by-sigstore-private-key", 0, "FILE", options.sigstore_key,
            "Sign the image with a private key as cosign makes them")
      .offers(Completes::files);
  table
      .text("sign-passphrase-file", 0, "FILE", options.passphrase_file, "Where the passphrase of the key is to be read")
      .offers(Completes::files);
  table.known("sign-by-sigstore", 0, OptionKind::text, Treatment::refused);
  table.known("sign-by-sq-fingerprint", 0, OptionKind::text, Treatment::refused);
}

}  // namespace cmd
