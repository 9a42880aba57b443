#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rootless {

/// One line of uid_map: `count` ids from `inside` (container) are `outside` (parent namespace) onward.
struct IdRange {
  std::uint32_t inside = 0;
  std::uint32_t outside = 0;
  std::uint32_t count = 0;
  bool operator==(const IdRange&) const = default;
};

struct IdMap {
  std::vector<IdRange> uids;
  std::vector<IdRange> gids;
  bool single = false;  ///< One id only: no subordinate ids could be had.
  bool operator==(const IdMap&) const = default;
};

struct SubidRange {
  std::uint32_t start = 0;
  std::uint32_t count = 0;
  bool operator==(const SubidRange&) const = default;
};

/// Ranges for `user` (by name or number) in the text of /etc/subuid; malformed lines are skipped, blanks tolerated.
/// Source: subuid(5).
std::vector<SubidRange> parse_subids(std::string_view text, std::string_view user, std::uint32_t uid);

/// Ids that exist in our own user namespace, from the text of /proc/self/uid_map, sorted. Neighbours are not merged:
/// the kernel refuses a range of a new map that spans two lines of the map it is built on.
std::vector<SubidRange> parse_available_ids(std::string_view kernel_map);
/// The parts of `wanted` that lie in `available`, in the order of `wanted`.
std::vector<SubidRange> intersect(const std::vector<SubidRange>& wanted, const std::vector<SubidRange>& available);

/// Container root is the caller, ids from 1 are the subordinate ranges in order; a range that overlaps an
/// earlier one is left out. No range on either side: a single-id map.
IdMap default_map(std::uint32_t uid, std::uint32_t gid, const std::vector<SubidRange>& uids,
                  const std::vector<SubidRange>& gids);
/// Container root is the caller, and there is nobody else.
IdMap single_map(std::uint32_t uid, std::uint32_t gid);
/// Every id that we have keeps its number: for callers who may write any map (root).
IdMap identity_map(const std::vector<SubidRange>& uids, const std::vector<SubidRange>& gids);

/// Outside id of an inside id, or nothing.
std::optional<std::uint32_t> map_out(const std::vector<IdRange>& ranges, std::uint32_t inside);
/// Text for /proc/PID/uid_map.
std::string map_text(const std::vector<IdRange>& ranges);
/// Sorted, disjoint, no wrap, at most 340 lines. @throws Error invalid_argument.
void check_ranges(const std::vector<IdRange>& ranges);
/// "single", or "user-" and 12 hex digits of the SHA-256 of the canonical ranges (ARCHITECTURE.md 8.9).
std::string variant_of(const IdMap& map);

}  // namespace rootless
