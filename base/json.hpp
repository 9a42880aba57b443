#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"

namespace base {

/// Limits of a document. Duplicate keys, trailing bytes and invalid UTF-8 are always refused.
struct JsonLimits {
  std::size_t max_bytes = 4 * 1024 * 1024;
  std::size_t max_depth = 64;
};

/// A place in a parsed document. Getters throw Error corrupt whose message names the path: "layers[2].size is not …".
/// Copies share the document.
class JsonAt {
 public:
  /// `what` names the document in errors: `manifest of "alpine"`.
  static JsonAt parse(std::string_view bytes, std::string what, JsonLimits limits = {});

  bool has(std::string_view key) const;                    ///< Present and not null. False when this is not an object.
  JsonAt at(std::string_view key) const;                   ///< @throws when absent or this is not an object.
  std::optional<JsonAt> find(std::string_view key) const;  ///< Nothing when absent or null.

  bool is_object() const;
  bool is_array() const;
  bool is_string() const;
  bool is_null() const;

  std::string string() const;
  bool boolean() const;
  std::int64_t integer() const;
  std::uint64_t unsigned_integer() const;
  double number() const;
  Digest digest() const;
  std::vector<JsonAt> array() const;                                    ///< Elements.
  std::vector<std::pair<std::string, JsonAt>> members() const;          ///< Of an object, in document order.
  std::vector<std::string> strings() const;                             ///< An array of strings.
  std::vector<std::pair<std::string, std::string>> string_map() const;  ///< An object of strings.

  // With a default for absent or null.
  std::string string_or(std::string_view key, std::string_view fallback) const;
  bool boolean_or(std::string_view key, bool fallback) const;
  std::int64_t integer_or(std::string_view key, std::int64_t fallback) const;
  std::uint64_t unsigned_or(std::string_view key, std::uint64_t fallback) const;
  std::vector<std::string> strings_or_empty(std::string_view key) const;

  /// The subtree as compact JSON.
  std::string dump() const;
  /// `path is …`, kind corrupt.
  Error error(std::string_view problem) const;

 private:
  struct Document;
  JsonAt(std::shared_ptr<const Document> document, const void* node, std::string path);
  std::shared_ptr<const Document> document_;
  const void* node_ = nullptr;
  std::string path_;
};

}  // namespace base
