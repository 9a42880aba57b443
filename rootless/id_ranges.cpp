#include "rootless/id_ranges.hpp"

#include <algorithm>

namespace rootless {
namespace {

std::uint64_t end_of(std::uint32_t start, std::uint32_t count) {
  return std::uint64_t{start} + count;
}

/// The part of `range` from `skip` on, `count` ids long.
IdRange part_of(const IdRange& range, std::uint64_t skip, std::uint64_t count) {
  return {static_cast<std::uint32_t>(range.inside + skip), static_cast<std::uint32_t>(range.outside + skip),
          static_cast<std::uint32_t>(count)};
}

/// What is left of `ranges` when the ids [start, end) on the side that `side` names are gone.
std::vector<IdRange> without(const std::vector<IdRange>& ranges, std::uint32_t IdRange::*side, std::uint64_t start,
                             std::uint64_t end) {
  std::vector<IdRange> rest;
  for (const IdRange& range : ranges) {
    const std::uint64_t first = range.*side;
    const std::uint64_t last = first + range.count;
    if (end <= first || last <= start) {
      rest.push_back(range);
      continue;
    }
    if (first < start) rest.push_back(part_of(range, 0, start - first));
    if (end < last) rest.push_back(part_of(range, end - first, last - end));
  }
  return rest;
}

}  // namespace

std::optional<std::uint32_t> map_in(const std::vector<IdRange>& ranges, std::uint32_t outside) {
  return map_out(inverse(ranges), outside);
}

std::vector<IdRange> canonical(std::vector<IdRange> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const IdRange& a, const IdRange& b) { return a.inside < b.inside; });
  std::vector<IdRange> result;
  for (const IdRange& range : ranges) {
    if (range.count == 0) continue;
    const bool continues = !result.empty() && end_of(result.back().inside, result.back().count) == range.inside &&
                           end_of(result.back().outside, result.back().count) == range.outside;
    if (continues)
      result.back().count += range.count;
    else
      result.push_back(range);
  }
  return result;
}

std::vector<IdRange> inverse(const std::vector<IdRange>& ranges) {
  std::vector<IdRange> result;
  for (const IdRange& range : ranges) result.push_back({range.outside, range.inside, range.count});
  return result;
}

std::vector<IdRange> compose_common(const std::vector<IdRange>& inner, const std::vector<IdRange>& outer) {
  std::vector<IdRange> result;
  for (const IdRange& range : inner) {
    for (const IdRange& next : outer) {
      const std::uint64_t start = std::max(range.outside, next.inside);
      const std::uint64_t end = std::min(end_of(range.outside, range.count), end_of(next.inside, next.count));
      if (start >= end) continue;
      result.push_back({static_cast<std::uint32_t>(range.inside + (start - range.outside)),
                        static_cast<std::uint32_t>(next.outside + (start - next.inside)),
                        static_cast<std::uint32_t>(end - start)});
    }
  }
  return canonical(std::move(result));
}

std::optional<std::vector<IdRange>> compose(const std::vector<IdRange>& inner, const std::vector<IdRange>& outer) {
  std::vector<IdRange> result = compose_common(inner, outer);
  if (count_of(result) != count_of(inner)) return std::nullopt;
  return result;
}

std::vector<IdRange> extend(const std::vector<IdRange>& base, const std::vector<IdRange>& extra) {
  std::vector<IdRange> result = base;
  for (const IdRange& range : extra) {
    result = without(result, &IdRange::inside, range.inside, end_of(range.inside, range.count));
    result = without(result, &IdRange::outside, range.outside, end_of(range.outside, range.count));
    result.push_back(range);
  }
  return canonical(std::move(result));
}

std::vector<IdRange> translation(const std::vector<IdRange>& from, const std::vector<IdRange>& to) {
  return compose_common(inverse(from), to);
}

std::uint64_t count_of(const std::vector<IdRange>& ranges) {
  std::uint64_t count = 0;
  for (const IdRange& range : ranges) count += range.count;
  return count;
}

}  // namespace rootless
