#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace registry {

/// How patient we are with a registry. engine.conf(5) [network]; containers.conf has retry and retry_delay.
struct NetworkLimits {
  std::chrono::seconds connect{30};
  /// From the request to the last header of the answer.
  std::chrono::seconds first_byte{120};
  /// A transfer that stays below this many bytes a second for `slow` is given up, and tried again.
  std::uint32_t least_bytes_per_second = 256;
  std::chrono::seconds slow{60};
  /// Between two attempts; nothing: it doubles from half a second.
  std::optional<std::chrono::milliseconds> retry_delay;
  /// Whether a registry on the internet may redirect to addresses of this machine or of a private network.
  bool private_redirects = false;
};

}  // namespace registry
