// Signatures of cosign, checked with OpenSSL.
#include "registry/signature.hpp"

#include <memory>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/error.hpp"
#include "base/json.hpp"

namespace registry {
namespace {

constexpr std::size_t max_claim_bytes = 1024 * 1024;

struct Free {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

std::unique_ptr<EVP_PKEY, Free> read_key(std::string_view pem) {
  const std::unique_ptr<BIO, Free> bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  std::unique_ptr<EVP_PKEY, Free> key{bio ? PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr) : nullptr};
  ERR_clear_error();
  if (!key)
    throw base::make_error(base::ErrorKind::invalid_argument, "a key for signatures is not a public key in PEM");
  return key;
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

SignedClaim parse_signed_claim(std::string_view payload) {
  const base::JsonAt root = base::JsonAt::parse(payload, "signature", {max_claim_bytes, 16});
  const base::JsonAt critical = root.at("critical");
  const std::string type = critical.at("type").string();
  if (type != "cosign container image signature" && type != "atomic container signature")
    throw critical.at("type").error("is not known");
  return {.reference = critical.at("identity").at("docker-reference").string(),
          .manifest = critical.at("image").at("docker-manifest-digest").digest()};
}

bool is_signed_by(std::string_view public_key, std::string_view payload, std::string_view signature) {
  const std::unique_ptr<EVP_PKEY, Free> key = read_key(public_key);
  const std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
  // Ed25519 hashes by itself, and wants no digest named.
  const EVP_MD* hash = EVP_PKEY_id(key.get()) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, hash, nullptr, key.get()) != 1)
    throw base::make_error(base::ErrorKind::internal, "checking a signature: OpenSSL refuses");
  const int result =
      EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(payload), payload.size());
  ERR_clear_error();
  return result == 1;
}

}  // namespace registry
