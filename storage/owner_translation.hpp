#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

namespace storage {

/// `count` ids from `from` on become those from `to` on.
struct OwnerRange {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint32_t count = 0;
};

/// How the owners in one id variant of a layer become those in another. All ids are those of our own user namespace,
/// which has to map both.
struct OwnerTranslation {
  std::vector<OwnerRange> uids, gids;
  /// Who is root of the containers that will see the result: file capabilities count for that root's namespace only.
  /// Source: capabilities(7), "Namespaced file capabilities".
  std::uint32_t root_uid = 0;
  /// Only one id: all belongs to the caller.
  bool single = false;

  /// `info` with the owner that it shall have; nothing when the other map has no such id.
  std::optional<struct stat> apply(const struct stat& info) const;
  /// Whether a file may be the same inode in both variants, when its owner is the same.
  bool keeps_root() const;
  bool may_link = true;  ///< Not into a shared store: a link is written to its files.
};

/// "FROM:TO:COUNT,…" or "-" for none.
std::string owner_ranges_text(const std::vector<OwnerRange>& ranges);
/// @throws Error invalid_argument.
std::vector<OwnerRange> parse_owner_ranges(std::string_view text);

}  // namespace storage
