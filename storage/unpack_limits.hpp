#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace storage {

/// Each is an Error corrupt when passed (min_free_bytes: no_space). The user sets them in engine.conf, table [unpack].
struct UnpackLimits {
  std::uint64_t max_unpacked_bytes = 64ULL << 30;  ///< Of all layers of a pull together, holes of files included.
  std::uint64_t max_entries = 4'000'000;           ///< Likewise; directories that no entry asks for count.
  std::uint64_t max_ratio = 1000;                  ///< Unpacked to compressed, of one layer.
  std::uint64_t ratio_after_bytes = 256ULL << 20;  ///< Smaller layers may have any ratio.
  std::uint64_t min_free_bytes = 64ULL << 20;      ///< Left on the file system; at most a hundredth of it is asked for.
  std::uint64_t max_zstd_window_bytes = 128ULL << 20;
  std::uint64_t max_header_bytes = 1ULL << 20;  ///< Of one pax header or long name.
  std::uint64_t max_pax_records = 4096;         ///< Of one entry.
  std::uint64_t max_path_bytes = 4096;
  std::uint64_t max_component_bytes = 255;
  std::uint64_t max_xattr_bytes = 128ULL << 10;  ///< Names and values of one entry.
  std::uint64_t max_xattrs = 1024;               ///< Of one entry.
  bool operator==(const UnpackLimits&) const = default;
};

/// A limit by its name in engine.conf, with the values that make sense: below `least` no image could be unpacked, above
/// `most` memory, or the kernel, would be the limit.
struct UnpackLimit {
  std::string_view name;
  std::uint64_t UnpackLimits::*value;
  std::uint64_t least;
  std::uint64_t most;
};

inline constexpr std::array<UnpackLimit, 12> unpack_limits = {{
    {"max_unpacked_bytes", &UnpackLimits::max_unpacked_bytes, 1, 1ULL << 60},
    {"max_entries", &UnpackLimits::max_entries, 1, 1ULL << 40},
    {"max_ratio", &UnpackLimits::max_ratio, 1, 1ULL << 40},
    {"ratio_after_bytes", &UnpackLimits::ratio_after_bytes, 0, 1ULL << 60},
    {"min_free_bytes", &UnpackLimits::min_free_bytes, 0, 1ULL << 60},
    {"max_zstd_window_bytes", &UnpackLimits::max_zstd_window_bytes, 1024, 2ULL << 30},
    {"max_header_bytes", &UnpackLimits::max_header_bytes, 512, 64ULL << 20},
    {"max_pax_records", &UnpackLimits::max_pax_records, 1, 1ULL << 20},
    {"max_path_bytes", &UnpackLimits::max_path_bytes, 1, 1ULL << 16},
    {"max_component_bytes", &UnpackLimits::max_component_bytes, 1, 255},
    {"max_xattr_bytes", &UnpackLimits::max_xattr_bytes, 0, 64ULL << 20},
    {"max_xattrs", &UnpackLimits::max_xattrs, 0, 1ULL << 20},
}};

}  // namespace storage
