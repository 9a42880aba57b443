#include <doctest/doctest.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "registry/secretbox.hpp"
#include "registry/signature.hpp"
#include "registry/sigstore_key.hpp"

namespace {

const std::string digest = "sha256:" + std::string(64, 'a');

std::string claim(const std::string& critical_more, const std::string& more = "") {
  return base::concat(R"({"critical":{"type":"atomic container signature","image":{"docker-manifest-digest":")", digest,
                      R"("},"identity":{"docker-reference":"a.io/b:1"})", critical_more, "}", more, "}");
}

std::string from_hex(std::string_view hex) {
  const auto nibble = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(nibble(hex[i]) << 4 | nibble(hex[i + 1])));
  return bytes;
}

/// first, first + 1, …
std::string counting(int first, std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(first + static_cast<int>(i)));
  return bytes;
}

}  // namespace

TEST_CASE("what a signature claims is read, and what we write reads the same") {
  const registry::SignedClaim read =
      registry::parse_signed_claim(claim("", R"(,"optional":{"x":1})"), registry::gpg_claim_type);
  CHECK(read.reference == "a.io/b:1");
  CHECK(read.manifest.text() == digest);
  const std::string written = registry::render_signed_claim(read, registry::cosign_claim_type, 5);
  CHECK(registry::parse_signed_claim(written, registry::cosign_claim_type).reference == "a.io/b:1");
}

TEST_CASE("a signature with something critical that is unknown, or of another kind, is none") {
  for (const std::string& text : {claim(R"(,"more":1)"), claim("", R"(,"more":1)"), std::string{"{}"}, std::string{}}) {
    CAPTURE(text);
    CHECK_THROWS_AS(registry::parse_signed_claim(text, registry::gpg_claim_type), base::Error);
  }
  CHECK_THROWS_AS(registry::parse_signed_claim(claim(""), registry::cosign_claim_type), base::Error);
}

TEST_CASE("a box that NaCl sealed is opened, and no other") {
  std::string sealed = from_hex(
      "b8509b6e86fb15875b463cf38764b3f96399f4ac49c5af8ed5dd57fc56f083714d8a54c88ac12e6986782af564aba6e6cd4f96742054f0c4"
      "9a703711696ba91cecf6c16d60a65b2677842028fbc1f14437e32d19e85d68f9dcec709c24e382fd31b7e47487911e67f6feed");
  const std::string key = counting(0, 32), nonce = counting(100, 24);
  CHECK(registry::open_secretbox(sealed, nonce, key) ==
        "a message that is longer than one block of sixty-four bytes, so that a second one is needed");
  CHECK_FALSE(registry::open_secretbox(sealed, nonce, counting(1, 32)).has_value());
  CHECK_FALSE(registry::open_secretbox(sealed, counting(101, 24), key).has_value());
  CHECK_FALSE(registry::open_secretbox(sealed.substr(0, 15), nonce, key).has_value());
  for (const std::size_t at : {std::size_t{0}, std::size_t{16}, sealed.size() - 1}) {
    std::string changed = sealed;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    CHECK_FALSE(registry::open_secretbox(changed, nonce, key).has_value());
  }
  CHECK_THROWS_AS(registry::open_secretbox(sealed, nonce, "short"), base::Error);
}

TEST_CASE("what is no private key of sigstore is refused") {
  const std::string begin = "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
                    end = "\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n";
  for (const std::string& text : {std::string{}, begin, end + begin, begin + "!" + end, begin + "e30=" + end}) {
    CAPTURE(text);
    CHECK_THROWS_AS(registry::open_sigstore_key(text, ""), base::Error);
  }
}
