#include "storage/owner_translation.hpp"

#include "base/error.hpp"
#include "base/text.hpp"

namespace storage {
namespace {

std::optional<std::uint32_t> translate(const std::vector<OwnerRange>& ranges, std::uint32_t id) {
  for (const OwnerRange& range : ranges) {
    if (id >= range.from && id - range.from < range.count) return range.to + (id - range.from);
  }
  return std::nullopt;
}

}  // namespace

std::optional<struct stat> OwnerTranslation::apply(const struct stat& info) const {
  struct stat result = info;
  if (single) {
    result.st_uid = result.st_gid = 0;
    return result;
  }
  const auto uid = translate(uids, info.st_uid);
  const auto gid = translate(gids, info.st_gid);
  if (!uid || !gid) return std::nullopt;
  result.st_uid = *uid;
  result.st_gid = *gid;
  return result;
}

bool OwnerTranslation::keeps_root() const {
  return !single && translate(uids, root_uid) == root_uid;
}

std::string owner_ranges_text(const std::vector<OwnerRange>& ranges) {
  std::string text;
  for (const OwnerRange& range : ranges)
    text += base::concat(text.empty() ? "" : ",", range.from, ':', range.to, ':', range.count);
  return text.empty() ? "-" : text;
}

std::vector<OwnerRange> parse_owner_ranges(std::string_view text) {
  std::vector<OwnerRange> ranges;
  if (text == "-") return ranges;
  for (const std::string_view word : base::split(text, ',')) {
    std::vector<std::uint32_t> numbers;
    for (const std::string_view field : base::split(word, ':')) {
      const auto number = base::parse_unsigned(field);
      if (number && *number <= UINT32_MAX) numbers.push_back(static_cast<std::uint32_t>(*number));
    }
    if (numbers.size() != 3)
      throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(word), " is not FROM:TO:COUNT");
    ranges.push_back({numbers[0], numbers[1], numbers[2]});
  }
  return ranges;
}

}  // namespace storage
