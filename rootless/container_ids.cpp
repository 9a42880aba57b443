#include "rootless/container_ids.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "rootless/id_ranges.hpp"

namespace rootless {
namespace {

using base::ErrorKind;
using base::make_error;

constexpr const char* range_hint = "a longer range in /etc/subuid and /etc/subgid gives more";

/// One past the highest intermediate id.
std::uint32_t end_of_intermediate(const std::vector<IdRange>& caller) {
  std::uint64_t end = 0;
  for (const IdRange& range : caller) end = std::max(end, std::uint64_t{range.inside} + range.count);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(end, 0xffffffffU));
}

std::vector<IdRange> to_host(const std::vector<IdRange>& ranges, const std::vector<IdRange>& caller,
                             const char* option) {
  check_ranges(ranges);
  auto result = compose(ranges, caller);
  if (result) return std::move(*result);
  throw make_error(ErrorKind::unsupported, option,
                   " asks for more ids than you have: yours are the intermediate ids 0 to ",
                   end_of_intermediate(caller) - 1)
      .with_hint(range_hint);
}

/// The caller at `own`, the subordinate ids around it in their order; `total` ids at most.
std::vector<IdRange> keep_one(std::uint32_t own, std::uint32_t total) {
  const std::uint32_t subordinate = total - 1;
  std::vector<IdRange> ranges{{own, 0, 1}};
  if (own > 0 && subordinate > 0) ranges.push_back({0, 1, std::min(own, subordinate)});
  if (subordinate > own) ranges.push_back({own + 1, own + 1, subordinate - own});
  return canonical(std::move(ranges));
}

IdMap keep_id_map(const UsernsRequest& request, const CallerIds& caller) {
  if (caller.is_root) {
    if (request.uid || request.gid || request.size)
      throw make_error(ErrorKind::unsupported, "--userns keep-id has no options for root, who keeps every id");
    return caller.map;
  }
  const std::uint32_t uid = request.uid.value_or(caller.uid);
  const std::uint32_t gid = request.gid.value_or(caller.gid);
  if (caller.map.single) return {.uids = {{uid, caller.uid, 1}}, .gids = {{gid, caller.gid, 1}}, .single = true};
  const std::uint32_t limit = request.size.value_or(0xffffffffU);
  const std::uint32_t all_uids = std::min(limit, end_of_intermediate(caller.map.uids));
  const std::uint32_t all_gids = std::min(limit, end_of_intermediate(caller.map.gids));
  return {.uids = to_host(keep_one(uid, all_uids), caller.map.uids, "--userns keep-id"),
          .gids = to_host(keep_one(gid, all_gids), caller.map.gids, "--userns keep-id")};
}

std::vector<IdRange> only_subordinate(const std::vector<IdRange>& caller) {
  return to_host({{0, 1, end_of_intermediate(caller) - 1}}, caller, "--userns nomap");
}

void require_ranges(const CallerIds& caller, const char* option) {
  if (!caller.map.single) return;
  throw make_error(ErrorKind::unsupported, option, " needs subordinate ids: ", caller.single_reason)
      .with_hint(caller.single_hint);
}

// Whoever starts the container is its root, or, where there is none, an id that exists.
void check_has_root(const IdMap& map, const CallerIds& caller) {
  const bool has_root = map_out(map.uids, 0) && map_out(map.gids, 0);
  const bool has_caller = map_in(map.uids, caller.uid) && map_in(map.gids, caller.gid);
  if (has_root || has_caller) return;
  throw make_error(ErrorKind::invalid_argument,
                   "an id map must have container id 0, or your own id (intermediate id 0), for users and for groups");
}

/// The first `count` ids in a row, from intermediate id 1 on, that nobody has; 0: there are none.
std::uint32_t find_free(std::vector<SubidRange> taken, std::uint32_t count, std::uint32_t end) {
  std::sort(taken.begin(), taken.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
  std::uint64_t start = 1;
  for (const SubidRange& range : taken) {
    if (start + count <= range.start) break;
    start = std::max(start, std::uint64_t{range.start} + range.count);
  }
  return start + count <= end ? static_cast<std::uint32_t>(start) : 0;
}

std::vector<SubidRange> intermediates_of(const std::vector<IdRange>& host, const std::vector<IdRange>& caller) {
  std::vector<SubidRange> result;
  for (const IdRange& range : host) {
    for (const IdRange& mine : caller) {
      const std::uint64_t start = std::max(range.outside, mine.outside);
      const std::uint64_t end =
          std::min(std::uint64_t{range.outside} + range.count, std::uint64_t{mine.outside} + mine.count);
      if (start < end)
        result.push_back({static_cast<std::uint32_t>(mine.inside + (start - mine.outside)),
                          static_cast<std::uint32_t>(end - start)});
    }
  }
  return result;
}

/// Container ids from 0 on that `fixed` leaves open, until there are `size` with those of `fixed` below it.
std::vector<IdRange> fill(std::vector<IdRange> fixed, std::uint32_t size, std::vector<SubidRange> taken,
                          std::uint32_t end) {
  fixed = canonical(std::move(fixed));
  if (!fixed.empty()) check_ranges(fixed);
  std::uint32_t open = size;
  for (const IdRange& range : fixed) {
    if (range.inside < size) open -= std::min(range.count, size - range.inside);
    taken.push_back({range.outside, range.count});
  }
  if (open == 0) return fixed;
  std::uint32_t next = find_free(std::move(taken), open, end);
  if (next == 0)
    throw make_error(ErrorKind::unsupported, "--userns auto: no ", open, " ids in a row are left")
        .with_hint(
            "remove containers that were made with --userns auto, ask for a smaller size, or add a range to "
            "/etc/subuid and /etc/subgid");
  std::vector<IdRange> result = fixed;
  std::uint32_t inside = 0;
  const auto add = [&](std::uint32_t until) {
    if (until <= inside) return;
    result.push_back({inside, next, until - inside});
    next += until - inside;
  };
  for (const IdRange& range : fixed) {
    add(std::min(range.inside, size));
    inside = std::max(inside, range.inside + range.count);
  }
  add(size);
  return canonical(std::move(result));
}

bool ranges_within(const std::vector<IdRange>& map, const std::vector<IdRange>& caller) {
  std::uint64_t found = 0;
  for (const SubidRange& range : intermediates_of(map, caller)) found += range.count;
  return found == count_of(map);
}

std::vector<IdRange> from_zero(const std::vector<SubidRange>& ranges) {
  std::vector<IdRange> result;
  std::uint32_t inside = 0;
  for (const SubidRange& range : ranges) {
    result.push_back({inside, range.start, range.count});
    inside += range.count;
  }
  return canonical(std::move(result));
}

}  // namespace

IdMap container_id_map(const UsernsRequest& request, const CallerIds& caller) {
  using Mode = UsernsRequest::Mode;
  IdMap map = caller.map;
  if (request.mode == Mode::keep_id) map = keep_id_map(request, caller);
  if (request.mode == Mode::nomap) {
    if (caller.is_root) throw make_error(ErrorKind::unsupported, "--userns nomap is for ordinary users, not for root");
    require_ranges(caller, "--userns nomap");
    map = {.uids = only_subordinate(caller.map.uids), .gids = only_subordinate(caller.map.gids)};
  }
  if (request.mode == Mode::mapped) {
    const bool own_id_only = count_of(request.uids) == 1 && count_of(request.gids) == 1 &&
                             request.uids[0].outside == 0 && request.gids[0].outside == 0;
    if (!own_id_only) require_ranges(caller, "--uidmap");
    map = {.uids = to_host(request.uids, caller.map.uids, "--uidmap"),
           .gids = to_host(request.gids, caller.map.gids, "--gidmap")};
  }
  map.single = is_single(map, caller.uid, caller.gid);
  check_has_root(map, caller);
  return map;
}

IdMap automatic_id_map(const UsernsRequest& request, const CallerIds& caller, const std::vector<IdMap>& taken) {
  require_ranges(caller, "--userns auto");
  const std::uint32_t size = request.size.value_or(65536);
  std::vector<SubidRange> uids, gids;
  for (const IdMap& map : taken) {
    for (const SubidRange& range : intermediates_of(map.uids, caller.map.uids)) uids.push_back(range);
    for (const SubidRange& range : intermediates_of(map.gids, caller.map.gids)) gids.push_back(range);
  }
  IdMap map{.uids = fill(request.uids, size, std::move(uids), end_of_intermediate(caller.map.uids)),
            .gids = fill(request.gids, size, std::move(gids), end_of_intermediate(caller.map.gids))};
  map = {.uids = to_host(map.uids, caller.map.uids, "--userns auto"),
         .gids = to_host(map.gids, caller.map.gids, "--userns auto")};
  check_has_root(map, caller);
  return map;
}

IdMap named_id_map(const std::vector<SubidRange>& uids, const std::vector<SubidRange>& gids, const CallerIds& caller) {
  if (!caller.is_root) require_ranges(caller, "--subuidname");
  IdMap map{.uids = from_zero(uids), .gids = from_zero(gids)};
  check_ranges(map.uids);
  check_ranges(map.gids);
  if (!lies_within(map, caller.map))
    throw make_error(ErrorKind::unsupported, "--subuidname: these ranges are not yours to use")
        .with_hint("newuidmap and newgidmap give you only the ranges that stand under your own name");
  map.single = is_single(map, caller.uid, caller.gid);
  return map;
}

bool lies_within(const IdMap& map, const IdMap& caller) {
  return ranges_within(map.uids, caller.uids) && ranges_within(map.gids, caller.gids);
}

bool is_single(const IdMap& map, std::uint32_t uid, std::uint32_t gid) {
  const auto is_only = [](const std::vector<IdRange>& ranges, std::uint32_t id) {
    return ranges.size() == 1 && ranges[0].count == 1 && ranges[0].outside == id;
  };
  return is_only(map.uids, uid) && is_only(map.gids, gid);
}

}  // namespace rootless
