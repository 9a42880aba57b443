#include "rootless/id_map.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace rootless {
namespace {

constexpr std::size_t max_map_lines = 340;         // user_namespaces(7), Linux 4.15
constexpr std::uint64_t end_of_ids = 0xffffffffU;  // (uid_t)-1 is no id
constexpr std::size_t variant_hex_digits = 12;

bool overlaps(std::uint64_t a, std::uint64_t a_count, std::uint64_t b, std::uint64_t b_count) {
  return a < b + b_count && b < a + a_count;
}

std::optional<std::uint32_t> parse_id(std::string_view text) {
  const std::optional<std::uint64_t> number = base::parse_unsigned(base::trim(text));
  if (!number || *number > end_of_ids) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

bool names_user(std::string_view field, std::string_view user, std::uint32_t uid) {
  return (!user.empty() && field == user) || base::parse_unsigned(field) == uid;
}

// A user may be listed twice (by name and by number); the kernel refuses maps that overlap.
void append_range(std::vector<IdRange>& map, const SubidRange& range) {
  for (const IdRange& taken : map) {
    if (overlaps(taken.outside, taken.count, range.start, range.count)) return;
  }
  const std::uint64_t inside = std::uint64_t{map.back().inside} + map.back().count;
  const std::uint64_t room = end_of_ids - std::max<std::uint64_t>(inside, range.start);
  const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(range.count, room));
  if (count == 0 || map.size() == max_map_lines) return;
  map.push_back({static_cast<std::uint32_t>(inside), range.start, count});
}

std::vector<IdRange> map_from(std::uint32_t own_id, const std::vector<SubidRange>& subordinate) {
  std::vector<IdRange> map{{0, own_id, 1}};
  for (const SubidRange& range : subordinate) append_range(map, range);
  return map;
}

std::vector<IdRange> identity_of(const std::vector<SubidRange>& available) {
  std::vector<IdRange> map;
  for (const SubidRange& range : available) map.push_back({range.start, range.start, range.count});
  return map;
}

bool is_one_id(const std::vector<IdRange>& map) {
  return map.size() == 1 && map.front().count == 1;
}

}  // namespace

std::vector<SubidRange> parse_subids(std::string_view text, std::string_view user, std::uint32_t uid) {
  std::vector<SubidRange> ranges;
  for (const std::string_view line : base::split(text, '\n')) {
    const std::vector<std::string_view> fields = base::split(base::trim(line), ':');
    if (fields.size() != 3 || !names_user(base::trim(fields[0]), user, uid)) continue;
    const std::optional<std::uint32_t> start = parse_id(fields[1]);
    const std::optional<std::uint32_t> count = parse_id(fields[2]);
    if (start && count && *count > 0) ranges.push_back({*start, *count});
  }
  return ranges;
}

std::vector<SubidRange> parse_available_ids(std::string_view kernel_map) {
  std::vector<SubidRange> ranges;
  for (const std::string_view line : base::split(kernel_map, '\n')) {
    std::vector<std::uint32_t> numbers;
    for (const std::string_view word : base::split(line, ' ')) {
      if (word.empty()) continue;
      if (const std::optional<std::uint32_t> number = parse_id(word)) numbers.push_back(*number);
    }
    if (numbers.size() == 3 && numbers[2] > 0) ranges.push_back({numbers[0], numbers[2]});
  }
  std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
  return ranges;
}

std::vector<SubidRange> intersect(const std::vector<SubidRange>& wanted, const std::vector<SubidRange>& available) {
  std::vector<SubidRange> result;
  for (const SubidRange& range : wanted) {
    for (const SubidRange& limit : available) {
      const std::uint64_t start = std::max(range.start, limit.start);
      const std::uint64_t end =
          std::min(std::uint64_t{range.start} + range.count, std::uint64_t{limit.start} + limit.count);
      if (start < end) result.push_back({static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(end - start)});
    }
  }
  return result;
}

IdMap default_map(std::uint32_t uid, std::uint32_t gid, const std::vector<SubidRange>& uids,
                  const std::vector<SubidRange>& gids) {
  IdMap map{.uids = map_from(uid, uids), .gids = map_from(gid, gids), .single = false};
  if (map.uids.size() == 1 || map.gids.size() == 1) return single_map(uid, gid);
  return map;
}

IdMap single_map(std::uint32_t uid, std::uint32_t gid) {
  return {.uids = {{0, uid, 1}}, .gids = {{0, gid, 1}}, .single = true};
}

IdMap identity_map(const std::vector<SubidRange>& uids, const std::vector<SubidRange>& gids) {
  IdMap map{.uids = identity_of(uids), .gids = identity_of(gids), .single = false};
  map.single = is_one_id(map.uids) && is_one_id(map.gids);
  return map;
}

std::optional<std::uint32_t> map_out(const std::vector<IdRange>& ranges, std::uint32_t inside) {
  for (const IdRange& range : ranges) {
    if (inside >= range.inside && inside - range.inside < range.count) return range.outside + (inside - range.inside);
  }
  return std::nullopt;
}

std::string map_text(const std::vector<IdRange>& ranges) {
  std::string text;
  for (const IdRange& range : ranges) {
    text += base::concat(range.inside, ' ', range.outside, ' ', range.count, '\n');
  }
  return text;
}

void check_ranges(const std::vector<IdRange>& ranges) {
  const auto refuse = [](std::string_view why) {
    return base::make_error(base::ErrorKind::invalid_argument, "the id map ", why);
  };
  if (ranges.empty()) throw refuse("is empty");
  if (ranges.size() > max_map_lines) throw refuse("has more than 340 ranges");
  std::uint64_t next_inside = 0;
  for (auto range = ranges.begin(); range != ranges.end(); ++range) {
    if (range->count == 0) throw refuse("has an empty range");
    if (range->inside < next_inside) throw refuse("is not sorted, or its ranges overlap");
    next_inside = std::uint64_t{range->inside} + range->count;
    if (next_inside > end_of_ids || std::uint64_t{range->outside} + range->count > end_of_ids) {
      throw refuse("goes past the largest id");
    }
    for (auto other = ranges.begin(); other != range; ++other) {
      if (overlaps(range->outside, range->count, other->outside, other->count)) throw refuse("uses an id twice");
    }
  }
}

std::string variant_of(const IdMap& map) {
  if (map.single) return "single";
  const base::Digest digest = base::sha256(base::concat("uids\n", map_text(map.uids), "gids\n", map_text(map.gids)));
  return base::concat("user-", digest.hex().substr(0, variant_hex_digits));
}

}  // namespace rootless
