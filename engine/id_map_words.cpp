#include "engine/id_map_words.hpp"

#include "base/error.hpp"
#include "base/text.hpp"
#include "rootless/id_ranges.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::size_t most_ranges = 340;  // of the kernel, user_namespaces(7)

rootless::IdRange parse_range(std::string_view text) {
  std::vector<std::uint32_t> numbers;
  for (const std::string_view word : base::split(text, '-'))
    if (const auto number = base::parse_unsigned(word); number && *number < UINT32_MAX)
      numbers.push_back(static_cast<std::uint32_t>(*number));
  const bool is_whole = base::split(text, '-').size() == 3 && numbers.size() == 3 && numbers[2] > 0;
  if (!is_whole) throw make_error(ErrorKind::invalid_argument, quoted(text), " is not FIRST-SHOWN-COUNT");
  return {numbers[0], numbers[1], numbers[2]};
}

MountIdMap::Ranges parse_ranges(std::string_view text) {
  MountIdMap::Ranges result;
  if (text.starts_with('@')) {
    result.is_relative = true;
    text.remove_prefix(1);
  }
  for (const std::string_view range : base::split(text, '#')) result.ranges.push_back(parse_range(range));
  if (result.ranges.size() > most_ranges) throw make_error(ErrorKind::invalid_argument, "more than 340 ranges");
  return result;
}

std::vector<runtime::IdMapping> mappings(const MountIdMap::Ranges& words, const std::vector<rootless::IdRange>& ids) {
  std::vector<rootless::IdRange> ranges = words.ranges;
  if (words.is_relative) {
    const auto composed = rootless::compose(words.ranges, ids);
    if (!composed)
      throw make_error(ErrorKind::invalid_argument, "option idmap names ids that the container does not have");
    ranges = *composed;
  }
  std::vector<runtime::IdMapping> result;
  for (const rootless::IdRange& range : ranges) result.push_back({range.inside, range.outside, range.count});
  return result;
}

}  // namespace

MountIdMap parse_mount_id_map(std::string_view option) {
  MountIdMap map;
  const auto value = base::split_once(option, '=');
  if (!value) return map;
  return base::with_context(
      [&] {
        for (const std::string_view part : base::split(value->second, ';')) {
          const auto pair = base::split_once(part, '=');
          const bool is_known = pair && (pair->first == "uids" || pair->first == "gids");
          if (!is_known)
            throw make_error(ErrorKind::invalid_argument, "expected uids=…;gids=…, each of FIRST-SHOWN-COUNT#…");
          (pair->first == "uids" ? map.uids : map.gids) = parse_ranges(pair->second);
        }
        if (map.uids.ranges.empty() || map.gids.ranges.empty())
          throw make_error(ErrorKind::invalid_argument, "both uids and gids are needed");
        return map;
      },
      "mount option ", quoted(option));
}

void apply_id_map(const MountIdMap& map, const rootless::IdMap& container, runtime::Mount& mount) {
  mount.options.emplace_back("idmap");
  mount.uid_mappings = mappings(map.uids, container.uids);
  mount.gid_mappings = mappings(map.gids, container.gids);
}

}  // namespace engine
