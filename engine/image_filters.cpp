#include "engine/image_filters.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/images.hpp"
#include "engine/prune_filters.hpp"

namespace engine {
namespace {

using base::ErrorKind;
using base::make_error;

constexpr std::string_view keys[] = {"after", "before",   "containers", "dangling",  "digest", "id",   "intermediate",
                                     "label", "manifest", "readonly",   "reference", "since",  "until"};

bool is_yes_or_no(std::string_view key) {
  return key == "containers" || key == "dangling" || key == "intermediate" || key == "manifest" || key == "readonly";
}

bool parse_yes(std::string_view key, std::string_view value) {
  for (const char* yes : {"true", "1", "t", "T", "TRUE", "True"})
    if (value == yes) return true;
  for (const char* no : {"false", "0", "f", "F", "FALSE", "False"})
    if (value == no) return false;
  throw make_error(ErrorKind::invalid_argument, "filter ", key, "=", value, ": neither true nor false");
}

base::Time time_meant(Engine& engine, const std::string& key, const std::string& value) {
  if (key == "until") return *parse_prune_filters({base::concat("until=", value)}, {"until"}).until;
  const storage::NamedImage image = require_image(engine.store(), value);
  return base::parse_rfc3339(image.record.created).value_or(base::Time::min());
}

bool has_label(const ImageSummary& image, const std::string& wanted) {
  const auto parts = base::split_once(wanted, '=');
  return std::any_of(image.labels.begin(), image.labels.end(), [&](const auto& label) {
    return parts ? label.first == parts->first && label.second == parts->second : label.first == wanted;
  });
}

bool is_so(const ImageSummary& image, const std::string& key) {
  if (key == "containers") return image.containers > 0;
  if (key == "dangling") return image.names.empty();
  if (key == "readonly") return image.read_only;
  return false;  // intermediate, manifest: the store has none that would be listed
}

bool match_one(const ImageSummary& image, const std::string& key, const std::string& value) {
  if (key == "id") return image.id.starts_with(value.starts_with("sha256:") ? value.substr(7) : value);
  if (key == "digest") return image.digest.starts_with(value);
  if (key == "label") return has_label(image, value);
  if (key == "reference")
    return std::any_of(image.names.begin(), image.names.end(),
                       [&](const std::string& name) { return matches_image_filter(name, value); });
  return is_so(image, key) == parse_yes(key, value);
}

bool match_time(const ImageSummary& image, const std::string& key, base::Time time) {
  if (!image.created) return false;
  return key == "before" || key == "until" ? *image.created < time : *image.created > time;
}

}  // namespace

ImageFilters::ImageFilters(Engine& engine, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    auto parts = base::split_once(word, '=');
    const bool negated = parts && parts->first.ends_with('!');
    if (negated) parts->first.remove_suffix(1);
    if (!parts || std::find(std::begin(keys), std::end(keys), parts->first) == std::end(keys))
      throw make_error(ErrorKind::invalid_argument, "invalid image filter ", base::quoted(word))
          .with_hint(
              "filters are KEY=VALUE or KEY!=VALUE with after, before, containers, dangling, digest, id, label, "
              "readonly, "
              "reference, since or until");
    const std::string key{parts->first};
    const std::string value{parts->second};
    if (is_yes_or_no(key)) parse_yes(key, value);
    auto known = std::find_if(filters_.begin(), filters_.end(),
                              [&](const Filter& one) { return one.key == key && one.negated == negated; });
    if (known == filters_.end())
      known = filters_.insert(known, {.key = key, .negated = negated, .values = {}, .times = {}});
    known->values.push_back(value);
    if (key == "after" || key == "before" || key == "since" || key == "until")
      known->times.push_back(time_meant(engine, key, value));
  }
}

bool ImageFilters::match_all(const Filter& filter, const ImageSummary& image) const {
  if (!filter.times.empty())
    return filter.negated != std::any_of(filter.times.begin(), filter.times.end(),
                                         [&](base::Time time) { return match_time(image, filter.key, time); });
  const auto matches = [&](const std::string& value) { return match_one(image, filter.key, value); };
  if (filter.negated) return std::none_of(filter.values.begin(), filter.values.end(), matches);
  return filter.key == "label" ? std::all_of(filter.values.begin(), filter.values.end(), matches)
                               : std::any_of(filter.values.begin(), filter.values.end(), matches);
}

bool ImageFilters::match(const ImageSummary& image) const {
  return std::all_of(filters_.begin(), filters_.end(), [&](const Filter& filter) { return match_all(filter, image); });
}

}  // namespace engine
