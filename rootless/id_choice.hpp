#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rootless/id_map.hpp"
#include "rootless/subids.hpp"

namespace rootless {

/// All that decides which ids a caller's containers can have.
struct IdCircumstances {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string user_name;
  bool may_write_any_map = false;          ///< CAP_SETUID, CAP_SETGID and CAP_SETFCAP in our own user namespace.
  std::vector<SubidRange> available_uids;  ///< What exists in our own user namespace.
  std::vector<SubidRange> available_gids;
  SubordinateIds subordinate;
  std::string helper_problem;         ///< Why newuidmap or newgidmap cannot be used; empty: they can.
  std::uint32_t free_subid = 100000;  ///< Where a new range could be put, for the hint.
};

struct IdChoice {
  IdMap map;
  std::string single_reason;  ///< Why map.single; else empty.
  std::string single_hint;    ///< The file and line, or the command, that helps.
};

/// Pure. Root keeps all its ids; others get their subordinate ids, or only their own id with the reason.
IdChoice choose_id_map(const IdCircumstances& circumstances);

}  // namespace rootless
