#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace registry {

struct YamlMember;

/// A piece of a YAML document, of which only what JSON could say, too, is accepted: no anchors, aliases and tags, which
/// can make a small file huge; no second document; no key twice.
struct YamlNode {
  enum class Kind { scalar, list, map };
  Kind kind = Kind::scalar;
  std::string text;                 ///< Of a scalar.
  bool is_quoted = false;           ///< A scalar that is a text, whatever it looks like.
  std::vector<YamlNode> items;      ///< Of a list.
  std::vector<YamlMember> members;  ///< Of a map, in the order of the file.
  std::size_t line = 0;             ///< From 1.

  bool is_null() const;
  /// "FILE:LINE: problem"
  base::Error error(const std::string& file, std::string_view problem) const;
};

struct YamlMember {
  std::string key;
  YamlNode value;
};

inline constexpr std::size_t max_yaml_bytes = 4 * 1024 * 1024;
inline constexpr std::size_t max_yaml_nodes = 100'000;
inline constexpr std::size_t max_yaml_depth = 16;

/// Pure. @throws Error invalid_argument as "FILE:LINE: problem".
YamlNode parse_yaml(std::string_view text, const std::string& file);

}  // namespace registry
