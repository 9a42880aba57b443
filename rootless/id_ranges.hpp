#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "rootless/id_map.hpp"

namespace rootless {

/// Inside id of an outside id, or nothing.
std::optional<std::uint32_t> map_in(const std::vector<IdRange>& ranges, std::uint32_t outside);

/// Sorted by inside id; ranges that continue each other on both sides are one.
std::vector<IdRange> canonical(std::vector<IdRange> ranges);

/// From the inside of `inner` to the outside of `outer`; nothing when `inner` leads to an id that `outer` has not.
std::optional<std::vector<IdRange>> compose(const std::vector<IdRange>& inner, const std::vector<IdRange>& outer);

/// The same, but what `outer` has not is left out.
std::vector<IdRange> compose_common(const std::vector<IdRange>& inner, const std::vector<IdRange>& outer);

/// Inside and outside exchanged.
std::vector<IdRange> inverse(const std::vector<IdRange>& ranges);

/// `base` without what `extra` gives another meaning on either side, and with `extra`.
std::vector<IdRange> extend(const std::vector<IdRange>& base, const std::vector<IdRange>& extra);

/// From the outside ids of one map to those of another by way of the same inside ids; what only one of them has is
/// left out.
std::vector<IdRange> translation(const std::vector<IdRange>& from, const std::vector<IdRange>& to);

/// Ids in all.
std::uint64_t count_of(const std::vector<IdRange>& ranges);

}  // namespace rootless
