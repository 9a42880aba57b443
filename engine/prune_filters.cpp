#include "engine/prune_filters.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "engine/log_lines.hpp"

namespace engine {
namespace {

bool has_label(const PruneFilters::Labels& labels, std::string_view wanted) {
  const auto pair = base::split_once(wanted, '=');
  return std::any_of(labels.begin(), labels.end(), [&](const auto& label) {
    return pair ? label.first == pair->first && label.second == pair->second : label.first == wanted;
  });
}

bool parse_yes_or_no(std::string_view key, std::string_view value) {
  if (value == "true" || value == "1") return true;
  if (value == "false" || value == "0") return false;
  throw base::make_error(base::ErrorKind::invalid_argument, "--filter ", key, ": ", base::quoted(value),
                         " is neither true nor false");
}

void apply(PruneFilters& filters, std::string_view key, std::string_view value) {
  if (key == "until")
    filters.until = parse_log_time(value, base::now());
  else if (key == "label")
    filters.labels.emplace_back(value);
  else if (key == "label!")
    filters.without_labels.emplace_back(value);
  else
    filters.dangling = parse_yes_or_no(key, value);
}

}  // namespace

bool PruneFilters::match(const std::optional<base::Time>& created, const Labels& of) const {
  if (until && (!created || *created >= *until)) return false;
  return std::all_of(labels.begin(), labels.end(), [&](const std::string& label) { return has_label(of, label); }) &&
         std::none_of(without_labels.begin(), without_labels.end(),
                      [&](const std::string& label) { return has_label(of, label); });
}

PruneFilters parse_prune_filters(const std::vector<std::string>& words, const std::vector<std::string>& known) {
  PruneFilters filters;
  for (const std::string& word : words) {
    const auto pair = base::split_once(word, '=');
    if (!pair)
      throw base::make_error(base::ErrorKind::invalid_argument, "--filter ", base::quoted(word), " is not KEY=VALUE");
    if (std::find(known.begin(), known.end(), pair->first) == known.end())
      throw base::make_error(base::ErrorKind::invalid_argument, "unknown filter ", base::quoted(pair->first))
          .with_hint(base::concat("known filters: ", base::join(known, ", ")));
    apply(filters, pair->first, pair->second);
  }
  return filters;
}

}  // namespace engine
