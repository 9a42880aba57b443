#include <doctest/doctest.h>

#include "base/error.hpp"
#include "engine/prune_filters.hpp"

using engine::parse_prune_filters;

namespace {

const std::vector<std::string> all_keys{"label", "label!", "until", "dangling"};

base::Time at(const char* text) {
  return base::parse_rfc3339(text).value();
}

}  // namespace

TEST_CASE("what was made before is pruned, and what has no time is not") {
  const auto filters = parse_prune_filters({"until=2026-01-02T00:00:00Z"}, all_keys);
  CHECK(filters.match(at("2026-01-01T23:59:59Z"), {}));
  CHECK_FALSE(filters.match(at("2026-01-02T00:00:00Z"), {}));
  CHECK_FALSE(filters.match(std::nullopt, {}));
  CHECK(parse_prune_filters({}, all_keys).match(std::nullopt, {}));
}

TEST_CASE("all labels must be there, and none of those with label!") {
  const engine::PruneFilters::Labels labels{{"team", "red"}, {"keep", ""}};
  const auto match = [&](const std::vector<std::string>& words) {
    return parse_prune_filters(words, all_keys).match(std::nullopt, labels);
  };
  CHECK(match({"label=team"}));
  CHECK(match({"label=team=red", "label=keep"}));
  CHECK_FALSE(match({"label=team=blue"}));
  CHECK_FALSE(match({"label=team", "label=other"}));
  CHECK_FALSE(match({"label!=keep"}));
  CHECK(match({"label!=team=blue"}));
}

TEST_CASE("unknown keys, other forms and bad values are refused") {
  for (const char* bad : {"color=red", "until", "until=soon", "dangling=maybe", ""}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_prune_filters({bad}, all_keys), base::Error);
  }
  CHECK_THROWS_AS(parse_prune_filters({"dangling=true"}, {"until"}), base::Error);
  CHECK(parse_prune_filters({"dangling=false"}, all_keys).dangling == false);
}
