// SHA-256 by OpenSSL, for engine-transfer: it picks the fastest code for the processor.
#include <openssl/evp.h>

#include "base/digest.hpp"
#include "base/error.hpp"

namespace base {

struct Sha256::State {
  struct Free {
    void operator()(EVP_MD_CTX* unused) const noexcept { EVP_MD_CTX_free(unused); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  if (!state_->context || EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) != 1)
    throw make_error(ErrorKind::internal, "starting SHA-256: OpenSSL refuses");
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(const void* bytes, std::size_t size) {
  if (EVP_DigestUpdate(state_->context.get(), bytes, size) != 1)
    throw make_error(ErrorKind::internal, "computing SHA-256: OpenSSL refuses");
}

Digest Sha256::finish() {
  unsigned char result[32];
  if (EVP_DigestFinal_ex(state_->context.get(), result, nullptr) != 1)
    throw make_error(ErrorKind::internal, "ending SHA-256: OpenSSL refuses");
  return Digest::from_hex(to_hex(result, sizeof result));
}

}  // namespace base
