#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The grammar of tar headers; pure functions. Sources: POSIX pax "ustar Interchange Format" and "pax Extended Header",
// the GNU tar manual "Basic Tar Format" and "Storing Sparse Files".

namespace storage::tar {

inline constexpr std::size_t block_bytes = 512;
using Block = std::array<char, block_bytes>;

inline constexpr std::size_t max_sparse_spans = 64 * 1024;

/// A field of the header: `offset` and `size` in bytes.
struct Field {
  std::size_t offset;
  std::size_t size;
};
inline constexpr Field name_field{0, 100}, mode_field{100, 8}, uid_field{108, 8}, gid_field{116, 8},
    size_field{124, 12}, mtime_field{136, 12}, checksum_field{148, 8}, type_field{156, 1}, link_field{157, 100},
    magic_field{257, 8}, major_field{329, 8}, minor_field{337, 8}, prefix_field{345, 155}, star_prefix_field{345, 131},
    star_trailer_field{508, 4}, gnu_sparse_field{386, 96}, gnu_more_sparse_field{482, 1}, gnu_real_size_field{483, 12};

std::string_view raw(const Block& block, Field field);
/// Up to the first NUL.
std::string_view text(const Block& block, Field field);
/// Octal with blanks or NULs around it, or base-256; blank is 0. Nothing when malformed or beyond 63 bits.
std::optional<std::int64_t> parse_number(std::string_view bytes);
/// As above. @throws Error corrupt, naming the field, when malformed.
std::int64_t number(const Block& block, Field field, std::string_view field_name);
bool is_zero(const Block& block);
/// The sum over all bytes, its own field taken as blanks; some old writers summed signed bytes.
bool checksum_holds(const Block& block);

struct SparseSpan {
  std::uint64_t offset;
  std::uint64_t size;
};
/// Spans ascend, do not overlap and end within `real_size`. @returns the sum of their sizes. @throws Error corrupt.
std::uint64_t check_spans(const std::vector<SparseSpan>& spans, std::uint64_t real_size);

struct Timestamp {
  std::int64_t seconds = 0;
  long nanoseconds = 0;
};
/// Within what file systems can keep (1901 to 2446), so that no reader of the tree sees an overflow.
Timestamp clamp(Timestamp time);

/// What the pax records before an entry say; each overrides the header.
struct PaxRecords {
  std::optional<std::string> path, link;
  std::optional<std::uint64_t> size;
  std::optional<std::int64_t> uid, gid;
  std::optional<Timestamp> mtime;
  std::vector<std::pair<std::string, std::string>> xattrs;  ///< SCHILY.xattr.NAME
  // GNU sparse, formats 0.0, 0.1 and 1.0.
  bool sparse = false;
  bool sparse_map_in_data = false;  ///< 1.0
  std::optional<std::string> sparse_name;
  std::optional<std::uint64_t> sparse_real_size;
  std::vector<SparseSpan> sparse_spans;
};
/// Reads "LENGTH KEYWORD=VALUE\n" records into `records`. @throws Error corrupt, also for more than `max_records`.
void parse_pax(std::string_view bytes, PaxRecords& records, std::uint64_t max_records);

}  // namespace storage::tar
