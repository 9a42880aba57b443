#pragma once

#include <array>
#include <compare>
#include <memory>
#include <string>
#include <string_view>

#include "base/text.hpp"

namespace base {

/// "sha256:" and 64 lower-case hexadecimal digits, checked on construction, so that a path can be made from it.
/// Source: OCI image-spec descriptor.md "Digests"; other algorithms are refused.
class Digest {
 public:
  /// @throws Error invalid_argument, when it is anything else.
  static Digest parse(std::string_view text);
  static Digest from_hex(std::string_view hex) { return parse(concat("sha256:", hex)); }
  const std::string& text() const noexcept { return text_; }
  std::string_view hex() const noexcept { return std::string_view{text_}.substr(7); }
  /// First 12 hexadecimal digits, for the user.
  std::string short_hex() const { return std::string{hex().substr(0, 12)}; }
  auto operator<=>(const Digest&) const = default;

 private:
  explicit Digest(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

inline void append_part(std::string& out, const Digest& digest) {
  out.append(digest.text());
}

/// Streaming SHA-256. Two implementations stand behind this header: OpenSSL's (engine-transfer, tests) and a small
/// static one (engine, which must not link OpenSSL).
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();
  void update(const void* bytes, std::size_t size);
  void update(std::string_view bytes) { update(bytes.data(), bytes.size()); }
  /// Ends the computation; the object may not be used afterwards.
  Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

inline Digest sha256(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

}  // namespace base
