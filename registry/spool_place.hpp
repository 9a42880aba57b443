#pragma once

#include <cstdint>
#include <string>

namespace registry {

/// Where bytes lie for a while that come in one piece, from a pipe or compressed, and have to be read at any place; and
/// how many they may be. containers.conf image_copy_tmp_dir, TMPDIR; engine.conf [unpack].
struct SpoolPlace {
  std::string folder = "/var/tmp";
  std::uint64_t max_bytes = 64ULL << 30;  ///< Of one file.
  std::uint64_t max_ratio = 1000;         ///< Uncompressed to compressed, beyond ratio_after_bytes.
  std::uint64_t ratio_after_bytes = 256ULL << 20;
  std::uint64_t min_free_bytes = 64ULL << 20;  ///< Left on the file system; at most a hundredth of it is asked for.
};

}  // namespace registry
