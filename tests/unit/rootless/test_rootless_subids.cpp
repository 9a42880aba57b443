#include <doctest/doctest.h>

#include "rootless/subids.hpp"

using rootless::SubidRange;

TEST_CASE("only a source other than the files sends us to getsubids") {
  CHECK_FALSE(rootless::has_foreign_subid_source(""));
  CHECK_FALSE(rootless::has_foreign_subid_source("passwd: files\n"));
  CHECK_FALSE(rootless::has_foreign_subid_source("subid: files\n"));
  CHECK_FALSE(rootless::has_foreign_subid_source("#subid: sss\nsubid:   # nothing\n"));
  CHECK(rootless::has_foreign_subid_source("passwd: files\n subid:\tsss # yes\n"));
}

TEST_CASE("the ranges that getsubids prints are read, and its complaints are not") {
  CHECK(rootless::parse_getsubids("0: joe 100000 65536\n1: joe 300000 5\n") ==
        std::vector<SubidRange>{{100000, 65536}, {300000, 5}});
  CHECK(rootless::parse_getsubids("Error fetching ranges\n").empty());
  CHECK(rootless::parse_getsubids("0: joe -1 5\n0: joe 5\n").empty());
}

TEST_CASE("a new range starts above all others") {
  CHECK(rootless::next_free_subid("") == 100000);
  CHECK(rootless::next_free_subid("ann:100000:65536\njoe:165536:65536\n") == 231072);
  CHECK(rootless::next_free_subid("ann:10:5\nbroken\n") == 100000);
  CHECK(rootless::next_free_subid("ann:4294900000:67000\n") == 100000);
}
