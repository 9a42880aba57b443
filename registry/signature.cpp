// Signatures of cosign, checked with OpenSSL.
#include "registry/signature.hpp"

#include <memory>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"

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

SignedClaim parse_signed_claim(std::string_view payload, std::string_view type) {
  const base::JsonAt root = base::JsonAt::parse(payload, "signature", {max_claim_bytes, 16});
  for (const auto& [name, value] : root.members())
    if (name != "critical" && name != "optional") throw value.error("is not known here");
  const base::JsonAt critical = root.at("critical");
  const base::JsonAt identity = critical.at("identity"), image = critical.at("image");
  // What says "critical" must be understood, all of it.
  if (critical.members().size() != 3 || identity.members().size() != 1 || image.members().size() != 1)
    throw critical.error("holds something that is not known here");
  if (critical.at("type").string() != type) throw critical.at("type").error("is not what it should be");
  return {.reference = identity.at("docker-reference").string(),
          .manifest = image.at("docker-manifest-digest").digest()};
}

std::string render_signed_claim(const SignedClaim& claim, std::string_view type, std::int64_t seconds) {
  base::JsonWriter json;
  json.begin_object().key("critical").begin_object();
  json.key("identity").begin_object().member("docker-reference", claim.reference).end_object();
  json.key("image").begin_object().member("docker-manifest-digest", claim.manifest.text()).end_object();
  json.member("type", std::string{type}).end_object();
  json.key("optional").begin_object().member("creator", "engine");
  if (seconds > 0) json.member("timestamp", seconds);
  return json.end_object().end_object().take();
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

std::string sign_with_key(std::string_view private_key, std::string_view payload) {
  const unsigned char* at = bytes_of(private_key);
  const std::unique_ptr<EVP_PKEY, Free> key{d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(private_key.size()))};
  const std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
  ERR_clear_error();
  if (!key || !context)
    throw base::make_error(base::ErrorKind::invalid_argument, "a private key for signatures cannot be read");
  const EVP_MD* hash = EVP_PKEY_id(key.get()) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
  std::size_t size = 0;
  std::string signature;
  if (EVP_DigestSignInit(context.get(), nullptr, hash, nullptr, key.get()) == 1 &&
      EVP_DigestSign(context.get(), nullptr, &size, bytes_of(payload), payload.size()) == 1) {
    signature.resize(size);
    if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes_of(payload),
                       payload.size()) == 1) {
      signature.resize(size);
      return signature;
    }
  }
  ERR_clear_error();
  throw base::make_error(base::ErrorKind::internal, "signing: OpenSSL refuses");
}

}  // namespace registry
