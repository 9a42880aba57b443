#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rootless/id_map.hpp"

namespace rootless {

struct SubordinateIds {
  std::vector<SubidRange> uids;
  std::vector<SubidRange> gids;
};

/// Whether nsswitch.conf names a source of subordinate ids other than the files. newuidmap then asks only that source.
/// Source: subuid(5), nsswitch.conf(5).
bool has_foreign_subid_source(std::string_view nsswitch_text);
/// Ranges in the output of getsubids(1), "0: joe 100000 65536" a line.
std::vector<SubidRange> parse_getsubids(std::string_view output);

/// What this user owns: /etc/subuid and /etc/subgid, or getsubids(1) where nsswitch.conf says so (a program is
/// started).
SubordinateIds find_subordinate_ids(const std::string& user, std::uint32_t uid);

/// First id, at least 100000, above every range of a subid file: where a new range may be put.
std::uint32_t next_free_subid(std::string_view text);

}  // namespace rootless
