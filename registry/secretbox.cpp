// Poly1305 is OpenSSL's, which has no Salsa20.
#include "registry/secretbox.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/error.hpp"

namespace registry {
namespace {

using Words = std::array<std::uint32_t, 16>;
constexpr int double_rounds = 10;

std::uint32_t load(const char* bytes) {
  std::uint32_t word = 0;
  for (int i = 3; i >= 0; --i) word = word << 8 | static_cast<unsigned char>(bytes[i]);
  return word;
}

void quarter_round(Words& x, std::size_t a, std::size_t b, std::size_t c, std::size_t d) {
  x[b] ^= std::rotl(x[a] + x[d], 7);
  x[c] ^= std::rotl(x[b] + x[a], 9);
  x[d] ^= std::rotl(x[c] + x[b], 13);
  x[a] ^= std::rotl(x[d] + x[c], 18);
}

void run_rounds(Words& x) {
  for (int i = 0; i < double_rounds; ++i) {
    quarter_round(x, 0, 4, 8, 12);
    quarter_round(x, 5, 9, 13, 1);
    quarter_round(x, 10, 14, 2, 6);
    quarter_round(x, 15, 3, 7, 11);
    quarter_round(x, 0, 1, 2, 3);
    quarter_round(x, 5, 6, 7, 4);
    quarter_round(x, 10, 11, 8, 9);
    quarter_round(x, 15, 12, 13, 14);
  }
}

/// @param middle  16 bytes: the nonce with the number of the block, or the first part of the long nonce.
Words start(std::string_view key, std::string_view middle) {
  constexpr std::string_view sigma = "expand 32-byte k";
  Words x{};
  for (std::size_t i = 0; i < 4; ++i) {
    x[i * 5] = load(sigma.data() + i * 4);
    x[1 + i] = load(key.data() + i * 4);
    x[6 + i] = load(middle.data() + i * 4);
    x[11 + i] = load(key.data() + 16 + i * 4);
  }
  return x;
}

void store(std::string& bytes, std::uint32_t word) {
  for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(word >> shift & 0xff));
}

/// HSalsa20: the key for what is left of the long nonce.
std::string derive_key(std::string_view key, std::string_view nonce) {
  Words x = start(key, nonce.substr(0, 16));
  run_rounds(x);
  std::string derived;
  for (const std::size_t i : {0U, 5U, 10U, 15U, 6U, 7U, 8U, 9U}) store(derived, x[i]);
  return derived;
}

std::string key_stream(std::string_view key, std::string_view short_nonce, std::size_t size) {
  std::string stream;
  for (std::uint64_t block = 0; stream.size() < size; ++block) {
    std::string middle{short_nonce};
    store(middle, static_cast<std::uint32_t>(block));
    store(middle, static_cast<std::uint32_t>(block >> 32));
    const Words before = start(key, middle);
    Words x = before;
    run_rounds(x);
    for (std::size_t i = 0; i < x.size(); ++i) store(stream, x[i] + before[i]);
  }
  return stream;
}

struct Free {
  void operator()(EVP_MAC* mac) const noexcept { EVP_MAC_free(mac); }
  void operator()(EVP_MAC_CTX* context) const noexcept { EVP_MAC_CTX_free(context); }
};

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string poly1305(std::string_view bytes, std::string_view key) {
  const std::unique_ptr<EVP_MAC, Free> mac{EVP_MAC_fetch(nullptr, "POLY1305", nullptr)};
  const std::unique_ptr<EVP_MAC_CTX, Free> context{mac ? EVP_MAC_CTX_new(mac.get()) : nullptr};
  std::string tag(secretbox_tag_bytes, '\0');
  std::size_t size = 0;
  if (!context || EVP_MAC_init(context.get(), bytes_of(key), key.size(), nullptr) != 1 ||
      EVP_MAC_update(context.get(), bytes_of(bytes), bytes.size()) != 1 ||
      EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(tag.data()), &size, tag.size()) != 1)
    throw base::make_error(base::ErrorKind::unsupported, "OpenSSL has no Poly1305");
  return tag;
}

}  // namespace

std::optional<std::string> open_secretbox(std::string_view sealed, std::string_view nonce, std::string_view key) {
  if (key.size() != secretbox_key_bytes || nonce.size() != secretbox_nonce_bytes)
    throw base::Error(base::ErrorKind::invalid_argument, "a sealed box has another key and nonce");
  if (sealed.size() < secretbox_tag_bytes) return std::nullopt;
  const std::string_view tag = sealed.substr(0, secretbox_tag_bytes), cipher = sealed.substr(secretbox_tag_bytes);
  // The first half of the first block is the key of Poly1305; the message begins behind it.
  const std::string stream = key_stream(derive_key(key, nonce), nonce.substr(16), secretbox_key_bytes + cipher.size());
  const std::string expected = poly1305(cipher, std::string_view{stream}.substr(0, secretbox_key_bytes));
  if (CRYPTO_memcmp(expected.data(), tag.data(), tag.size()) != 0) return std::nullopt;
  std::string plain{cipher};
  for (std::size_t i = 0; i < plain.size(); ++i)
    plain[i] = static_cast<char>(plain[i] ^ stream[secretbox_key_bytes + i]);
  return plain;
}

}  // namespace registry
