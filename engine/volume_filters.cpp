#include "engine/volume_filters.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/log_lines.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::array known_keys{"anonymous", "after", "dangling", "driver", "label", "label!",
                                "name",      "opt",   "scope",    "since",  "until"};

bool has_pair(const std::vector<std::pair<std::string, std::string>>& pairs, std::string_view wanted) {
  const auto split = base::split_once(wanted, '=');
  return std::any_of(pairs.begin(), pairs.end(), [&](const auto& pair) {
    return split ? pair.first == split->first && pair.second == split->second : pair.first == wanted;
  });
}

bool is_true(std::string_view value) {
  return value == "true" || value == "1";
}

/// A name filter is a part of the name; "^" and "$" hold it to an end. Source: podman-volume-ls(1).
bool name_matches(std::string_view name, std::string_view pattern) {
  const bool from_start = pattern.starts_with('^'), to_end = pattern.ends_with('$');
  if (from_start) pattern.remove_prefix(1);
  if (to_end) pattern.remove_suffix(1);
  if (from_start && to_end) return name == pattern;
  if (from_start) return name.starts_with(pattern);
  return to_end ? name.ends_with(pattern) : name.find(pattern) != std::string_view::npos;
}

void check_value(std::string_view key, std::string_view value, base::Time now) {
  if (key == "dangling" || key == "anonymous") {
    for (const char* word : {"true", "false", "1", "0"})
      if (value == word) return;
    throw make_error(ErrorKind::invalid_argument, "--filter ", key, ": ", quoted(value), " is neither true nor false");
  }
  if (key == "until" || key == "since" || key == "after") parse_log_time(value, now);
}

}  // namespace

VolumeFilters::VolumeFilters(const std::vector<std::string>& words, base::Time now) : now_(now) {
  for (const std::string& word : words) {
    const auto pair = base::split_once(word, '=');
    if (!pair) throw make_error(ErrorKind::invalid_argument, "--filter ", quoted(word), " is not KEY=VALUE");
    if (std::find(known_keys.begin(), known_keys.end(), pair->first) == known_keys.end())
      throw make_error(ErrorKind::invalid_argument, quoted(pair->first), " is an invalid volume filter")
          .with_hint(
              "known filters: anonymous, after, dangling, driver, label, label!, name, opt, scope, since, until");
    check_value(pair->first, pair->second, now_);
    const auto found =
        std::find_if(filters_.begin(), filters_.end(), [&](const Filter& one) { return one.key == pair->first; });
    if (found == filters_.end())
      filters_.push_back({std::string{pair->first}, {std::string{pair->second}}});
    else
      found->values.emplace_back(pair->second);
  }
}

bool VolumeFilters::match_one(const VolumeSummary& volume, const std::string& key, const std::string& value) const {
  if (key == "name") return name_matches(volume.name, value);
  if (key == "label") return has_pair(volume.words.labels, value);
  if (key == "label!") return !has_pair(volume.words.labels, value);
  if (key == "driver" || key == "scope") return value == "local";
  if (key == "opt") return has_pair(volume.words.options, value);
  if (key == "dangling") return is_true(value) != volume.in_use;
  if (key == "anonymous") return is_true(value) == volume.anonymous;
  if (!volume.created) return false;
  const base::Time time = parse_log_time(value, now_);
  return key == "until" ? *volume.created < time : *volume.created > time;
}

bool VolumeFilters::match(const VolumeSummary& volume) const {
  return std::all_of(filters_.begin(), filters_.end(), [&](const Filter& filter) {
    const auto one = [&](const std::string& value) { return match_one(volume, filter.key, value); };
    const bool needs_all = filter.key == "label" || filter.key == "label!";
    return needs_all ? std::all_of(filter.values.begin(), filter.values.end(), one)
                     : std::any_of(filter.values.begin(), filter.values.end(), one);
  });
}

}  // namespace engine
