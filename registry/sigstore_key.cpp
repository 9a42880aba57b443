#include "registry/sigstore_key.hpp"

#include <algorithm>
#include <cctype>
#include <openssl/evp.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "registry/base64.hpp"
#include "registry/secretbox.hpp"

namespace registry {
namespace {

constexpr std::size_t max_key_file_bytes = 64 * 1024;
/// Cosign asks for 64 MiB: N = 65536 and r = 8. What asks for much more is no key but an attack.
constexpr std::uint64_t max_scrypt_bytes = 1024ULL * 1024 * 1024;

base::Error not_a_key(std::string_view why) {
  return base::make_error(base::ErrorKind::invalid_argument, "this is no private key of sigstore: ", why)
      .with_hint("cosign generate-key-pair and skopeo generate-sigstore-key make such keys");
}

/// What is between the lines that name an encrypted key; cosign has changed its own name in there.
std::string body_of(std::string_view pem) {
  for (const std::string_view kind : {"ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"}) {
    const std::string begin = base::concat("-----BEGIN ", kind, "-----"),
                      end = base::concat("-----END ", kind, "-----");
    const std::size_t start = pem.find(begin), stop = pem.find(end);
    if (start == std::string_view::npos || stop == std::string_view::npos || stop < start) continue;
    std::string text{pem.substr(start + begin.size(), stop - start - begin.size())};
    std::erase_if(text, [](unsigned char c) { return std::isspace(c) != 0; });
    return text;
  }
  throw not_a_key("it is not PEM with an encrypted key");
}

std::string decoded(const base::JsonAt& json) {
  auto bytes = base64_decode(json.string());
  if (!bytes) throw json.error("is not base64");
  return std::move(*bytes);
}

std::string derive(const base::JsonAt& kdf, std::string_view passphrase) {
  if (kdf.at("name").string() != "scrypt") throw not_a_key("its kdf is not scrypt");
  const base::JsonAt params = kdf.at("params");
  const std::uint64_t n = params.at("N").unsigned_integer(), r = params.at("r").unsigned_integer(),
                      p = params.at("p").unsigned_integer();
  const std::string salt = decoded(kdf.at("salt"));
  std::string key(secretbox_key_bytes, '\0');
  const bool is_sensible = n > 0 && r > 0 && p > 0 && r <= 1024 && p <= 16 && n <= max_scrypt_bytes / 128 / r;
  if (!is_sensible ||
      EVP_PBE_scrypt(passphrase.data(), passphrase.size(), reinterpret_cast<const unsigned char*>(salt.data()),
                     salt.size(), n, r, p, max_scrypt_bytes + max_scrypt_bytes / 8,
                     reinterpret_cast<unsigned char*>(key.data()), key.size()) != 1)
    throw not_a_key("the costs of its kdf are not sensible");
  return key;
}

}  // namespace

std::string open_sigstore_key(std::string_view pem, std::string_view passphrase) {
  if (pem.size() > max_key_file_bytes) throw not_a_key("it is too long");
  const auto text = base64_decode(body_of(pem));
  if (!text) throw not_a_key("its body is not base64");
  try {
    const base::JsonAt json = base::JsonAt::parse(*text, "private key", {max_key_file_bytes, 8});
    const base::JsonAt cipher = json.at("cipher");
    if (cipher.at("name").string() != "nacl/secretbox") throw not_a_key("its cipher is not nacl/secretbox");
    const std::string nonce = decoded(cipher.at("nonce")), sealed = decoded(json.at("ciphertext"));
    auto key = open_secretbox(sealed, nonce, derive(json.at("kdf"), passphrase));
    if (key) return std::move(*key);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::corrupt) throw;
    throw not_a_key(error.message());
  }
  throw base::Error(base::ErrorKind::invalid_argument, "the passphrase of the private key is wrong")
      .with_hint("--sign-passphrase-file names a file with it");
}

}  // namespace registry
