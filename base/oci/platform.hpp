#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace oci {

struct Platform {
  std::string os = "linux";
  std::string architecture;       ///< GOARCH: amd64, arm64, arm, 386, ppc64le, s390x, riscv64
  std::string variant;            ///< "v8", "v7", or empty.
  std::string to_string() const;  ///< "linux/arm64/v8"
  bool operator==(const Platform&) const = default;
};

/// "linux/amd64", "arm64", "linux/arm/v7"; "x86_64" and "aarch64" are normalised. @throws Error invalid_argument.
Platform parse_platform(std::string_view text);
Platform platform_from_json(const base::JsonAt& json);
/// This machine, by uname(2).
Platform host_platform();
/// Index into `offered` of the best entry for `wanted` (equal, then a lower variant of the same arm), or nothing.
std::optional<std::size_t> choose_platform(const std::vector<std::optional<Platform>>& offered, const Platform& wanted);

}  // namespace oci
