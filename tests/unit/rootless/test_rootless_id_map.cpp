#include <doctest/doctest.h>

#include "base/error.hpp"
#include "rootless/id_map.hpp"

using rootless::IdMap;
using rootless::IdRange;
using rootless::SubidRange;

TEST_CASE("subordinate ranges are found by name and by number, whatever blanks surround them") {
  struct Case {
    const char* text;
    std::vector<SubidRange> expected;
  };
  const Case cases[] = {
      {"", {}},
      {"joe:100000:65536\n", {{100000, 65536}}},
      {"joe:100000:65536", {{100000, 65536}}},
      {"1000:100000:65536\n", {{100000, 65536}}},
      {"joe:100000:65536  \r\n", {{100000, 65536}}},
      {" joe : 100000 : 65536 \n", {{100000, 65536}}},
      {"ann:1:2\njoe:100000:10\n\njoe:300000:20\n", {{100000, 10}, {300000, 20}}},
      {"joe2:100000:65536\njo:1:1\n10000:5:5\n", {}},
  };
  for (const Case& each : cases) {
    CAPTURE(each.text);
    CHECK(rootless::parse_subids(each.text, "joe", 1000) == each.expected);
  }
}

TEST_CASE("malformed subordinate ranges are skipped, the others still count") {
  for (const char* bad : {"joe", "joe:", "joe:1", "joe:x:1", "joe:1:x", "joe:-1:5", "joe:1:0", "joe:1:2:3",
                          "joe:4294967296:1", "joe:1:99999999999999999999", "#joe:1:2"}) {
    CAPTURE(bad);
    const std::string text = std::string{bad} + "\njoe:7:8\n";
    CHECK(rootless::parse_subids(text, "joe", 1000) == std::vector<SubidRange>{{7, 8}});
  }
}

TEST_CASE("an empty user name matches nothing by name") {
  CHECK(rootless::parse_subids(":5:6\n", "", 1000).empty());
}

TEST_CASE("the ids of our own namespace are read from the kernel's map, sorted and line by line") {
  CHECK(rootless::parse_available_ids("         0          0 4294967295\n") ==
        std::vector<SubidRange>{{0, 4294967295U}});
  CHECK(rootless::parse_available_ids("         1     100000      65536\n         0       1000          1\n") ==
        std::vector<SubidRange>{{0, 1}, {1, 65536}});
  CHECK(rootless::parse_available_ids("0 1000 1\n100 5000 10\n") == std::vector<SubidRange>{{0, 1}, {100, 10}});
  CHECK(rootless::parse_available_ids("").empty());
}

TEST_CASE("a range is cut to the ids that exist here") {
  const std::vector<SubidRange> here{{0, 65537}};
  CHECK(rootless::intersect({{100000, 65536}}, here).empty());
  CHECK(rootless::intersect({{60000, 65536}}, here) == std::vector<SubidRange>{{60000, 5537}});
  CHECK(rootless::intersect({{5, 6}, {1, 2}}, {{0, 4294967295U}}) == std::vector<SubidRange>{{5, 6}, {1, 2}});
}

TEST_CASE("container root is the caller, and the subordinate ranges follow") {
  const IdMap map = rootless::default_map(1000, 1001, {{100000, 65536}}, {{200000, 10}, {300000, 5}});
  CHECK(map.uids == std::vector<IdRange>{{0, 1000, 1}, {1, 100000, 65536}});
  CHECK(map.gids == std::vector<IdRange>{{0, 1001, 1}, {1, 200000, 10}, {11, 300000, 5}});
  CHECK_FALSE(map.single);
}

TEST_CASE("uids without gids, or gids without uids, give a single-id map") {
  const IdMap single{.uids = {{0, 1000, 1}}, .gids = {{0, 1001, 1}}, .single = true};
  CHECK(rootless::default_map(1000, 1001, {{100000, 65536}}, {}) == single);
  CHECK(rootless::default_map(1000, 1001, {}, {{100000, 65536}}) == single);
  CHECK(rootless::default_map(1000, 1001, {}, {}) == single);
}

TEST_CASE("a range listed twice, or that holds the caller's own id, is used once") {
  const IdMap map =
      rootless::default_map(1000, 1000, {{100000, 10}, {100000, 10}, {100005, 10}, {999, 5}}, {{100000, 10}});
  CHECK(map.uids == std::vector<IdRange>{{0, 1000, 1}, {1, 100000, 10}});
  rootless::check_ranges(map.uids);
}

TEST_CASE("a huge range is cut where ids end") {
  const IdMap map = rootless::default_map(1000, 1000, {{4294967000U, 4294967295U}}, {{1001, 4294967295U}});
  CHECK(map.uids.back() == IdRange{1, 4294967000U, 295});
  rootless::check_ranges(map.uids);
  rootless::check_ranges(map.gids);
}

TEST_CASE("root keeps every id under its own number") {
  const IdMap map = rootless::identity_map({{0, 4294967295U}}, {{0, 1}, {5, 10}});
  CHECK(map.uids == std::vector<IdRange>{{0, 0, 4294967295U}});
  CHECK(map.gids == std::vector<IdRange>{{0, 0, 1}, {5, 5, 10}});
  CHECK_FALSE(map.single);
  CHECK(rootless::identity_map({{0, 1}}, {{0, 1}}).single);
}

TEST_CASE("an inside id has the outside id that its range says, or none") {
  const std::vector<IdRange> ranges{{0, 1000, 1}, {1, 100000, 10}};
  CHECK(rootless::map_out(ranges, 0) == 1000);
  CHECK(rootless::map_out(ranges, 1) == 100000);
  CHECK(rootless::map_out(ranges, 10) == 100009);
  CHECK_FALSE(rootless::map_out(ranges, 11).has_value());
}

TEST_CASE("the kernel's text has one line a range") {
  CHECK(rootless::map_text({{0, 1000, 1}, {1, 100000, 65536}}) == "0 1000 1\n1 100000 65536\n");
}

TEST_CASE("maps that the kernel would refuse are refused with a reason") {
  std::vector<IdRange> too_many;
  for (std::uint32_t i = 0; i <= 340; ++i) too_many.push_back({i, i, 1});
  const std::vector<IdRange> bad[] = {{},
                                      {{0, 0, 0}},
                                      {{5, 5, 1}, {0, 0, 1}},
                                      {{0, 0, 10}, {9, 100, 1}},
                                      {{0, 100, 10}, {10, 105, 10}},
                                      {{4294967290U, 0, 10}},
                                      {{0, 4294967290U, 10}},
                                      too_many};
  for (const std::vector<IdRange>& ranges : bad) {
    CAPTURE(rootless::map_text(ranges));
    CHECK_THROWS_AS(rootless::check_ranges(ranges), base::Error);
  }
  too_many.pop_back();
  rootless::check_ranges(too_many);
}

TEST_CASE("a variant names exactly one pair of maps") {
  const IdMap map = rootless::default_map(1000, 1000, {{100000, 65536}}, {{100000, 65536}});
  CHECK(rootless::variant_of(map).size() == std::string{"user-"}.size() + 12);
  CHECK(rootless::variant_of(map) == rootless::variant_of(map));
  CHECK(rootless::variant_of(map) !=
        rootless::variant_of(rootless::default_map(1000, 1000, {{100000, 65535}}, {{100000, 65536}})));
  const IdMap swapped{.uids = map.gids, .gids = {{0, 1000, 1}, {1, 100000, 1}}, .single = false};
  const IdMap other{.uids = swapped.gids, .gids = swapped.uids, .single = false};
  CHECK(rootless::variant_of(swapped) != rootless::variant_of(other));
  CHECK(rootless::variant_of(rootless::single_map(1000, 1000)) == "single");
}
