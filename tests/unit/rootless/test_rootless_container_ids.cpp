#include <doctest/doctest.h>

#include "base/error.hpp"
#include "rootless/container_ids.hpp"
#include "rootless/id_ranges.hpp"

using namespace rootless;

namespace {

const std::vector<IdRange> caller_ids = {{0, 1000, 1}, {1, 100000, 65536}};
const IdMap caller_map{.uids = caller_ids, .gids = caller_ids, .single = false};
const CallerIds joe{.uid = 1000, .gid = 1000, .map = caller_map};
const IdMap lonely_map = single_map(1000, 1000);
const CallerIds lonely{.uid = 1000, .gid = 1000, .map = lonely_map};

IdMap map_of(const UsernsWords& words, const CallerIds& caller = joe) {
  return container_id_map(parse_userns(words, caller.map), caller);
}

std::string text_of(const UsernsWords& words, const CallerIds& caller = joe) {
  return map_text(map_of(words, caller).uids);
}

}  // namespace

TEST_CASE("without words, and as host, a container has the caller's map") {
  CHECK(map_of({}) == caller_map);
  CHECK(map_of({.userns = "host"}) == caller_map);
  CHECK(map_of({}, lonely) == lonely_map);
}

TEST_CASE("keep-id moves the caller to its own number and the subordinate ids around it") {
  CHECK(text_of({.userns = "keep-id"}) == "0 100000 1000\n1000 1000 1\n1001 101000 64536\n");
  CHECK(text_of({.userns = "keep-id:uid=33"}) == "0 100000 33\n33 1000 1\n34 100033 65503\n");
  CHECK(map_text(map_of({.userns = "keep-id:gid=7,uid=1"}).gids) == "0 100000 7\n7 1000 1\n8 100007 65529\n");
}

TEST_CASE("keep-id of 0 is the caller's own map, and so the same variant") {
  const IdMap map = map_of({.userns = "keep-id:uid=0,gid=0"});
  CHECK(map == caller_map);
  CHECK(variant_of(map) == variant_of(caller_map));
}

TEST_CASE("keep-id with a size has that many ids") {
  const IdMap map = map_of({.userns = "keep-id:size=2000"});
  CHECK(count_of(map.uids) == 2000);
  CHECK(map_out(map.uids, 1000) == 1000U);
  CHECK_FALSE(map_out(map.uids, 2000).has_value());
}

TEST_CASE("keep-id beyond the subordinate ids leaves a gap") {
  CHECK(text_of({.userns = "keep-id:uid=200000"}) == "0 100000 65536\n200000 1000 1\n");
}

TEST_CASE("keep-id without subordinate ids maps the caller alone") {
  const IdMap map = map_of({.userns = "keep-id"}, lonely);
  CHECK(map_text(map.uids) == "1000 1000 1\n");
  CHECK(map.single);
}

TEST_CASE("nomap leaves the caller out") {
  CHECK(text_of({.userns = "nomap"}) == "0 100000 65536\n");
  CHECK_THROWS_AS(map_of({.userns = "nomap"}, lonely), base::Error);
}

TEST_CASE("uidmap is about intermediate ids, and alone for both lists") {
  const IdMap map = map_of({.uid_maps = {"0:1:1000", "1000:0:1"}});
  CHECK(map_text(map.uids) == "0 100000 1000\n1000 1000 1\n");
  CHECK(map.gids == map.uids);
  const IdMap two = map_of({.uid_maps = {"0:1:10"}, .gid_maps = {"0:5:20"}});
  CHECK(map_text(two.uids) == "0 100000 10\n");
  CHECK(map_text(two.gids) == "0 100004 20\n");
}

TEST_CASE("flags of uidmap extend the default map, choose a list, and name ids of the host") {
  const IdMap map = map_of({.uid_maps = {"u+500:@1000"}});
  CHECK(map_out(map.uids, 500) == 1000U);
  CHECK_FALSE(map_out(map.uids, 0).has_value());  // the caller cannot be two
  CHECK(map_out(map.uids, 501) == 100500U);
  CHECK(map.gids == caller_map.gids);
  CHECK_THROWS_AS(map_of({.uid_maps = {"0:@999"}}), base::Error);
}

TEST_CASE("a map over two ranges of the host is cut where they meet") {
  CHECK(text_of({.uid_maps = {"0:0:10"}}) == "0 1000 1\n1 100000 9\n");
}

TEST_CASE("maps that cannot be are refused") {
  for (const char* bad : {"", "0", "0:1:0", "a:1:1", "0:0:70000", "5:1:10", "0:1:2:3"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(map_of({.uid_maps = {bad}}), base::Error);
  }
  CHECK_THROWS_AS(map_of({.uid_maps = {"0:1:10", "5:20:10"}}), base::Error);
  CHECK_THROWS_AS(map_of({.uid_maps = {"0:1:10", "20:5:10"}}), base::Error);
}

TEST_CASE("modes and options that are not known are refused, and options do not mix") {
  for (const char* bad : {"bogus", "private", "container:x", "ns:/proc/1/ns/user", "keep-id:foo=1", "keep-id:uid=x",
                          "nomap:size=1", "auto:uid=1", "auto:size=0", "host:x"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_userns({.userns = bad}, caller_map), base::Error);
  }
  CHECK_THROWS_AS(parse_userns({.userns = "keep-id", .uid_maps = {"0:1:1"}}, caller_map), base::Error);
  CHECK_THROWS_AS(parse_userns({.uid_maps = {"0:1:1"}, .subuid_name = "joe"}, caller_map), base::Error);
}

TEST_CASE("one's own id alone needs no subordinate ids") {
  const IdMap map = map_of({.uid_maps = {"77:0:1"}}, lonely);
  CHECK(map.single);
  CHECK(map_text(map.gids) == "77 1000 1\n");
  CHECK_THROWS_AS(map_of({.uid_maps = {"0:0:2"}}, lonely), base::Error);
}

TEST_CASE("automatic maps take the first range that is free") {
  UsernsRequest request = parse_userns({.userns = "auto:size=1024"}, caller_map);
  const IdMap first = automatic_id_map(request, joe, {});
  CHECK(map_text(first.uids) == "0 100000 1024\n");
  const IdMap second = automatic_id_map(request, joe, {first});
  CHECK(map_text(second.gids) == "0 101024 1024\n");
  CHECK(automatic_id_map(request, joe, {second}) == first);
  request.size = 65000;
  CHECK_THROWS_AS(automatic_id_map(request, joe, {first}), base::Error);
}

TEST_CASE("an automatic map keeps what was asked for and fills the rest around it") {
  const UsernsRequest request = parse_userns({.userns = "auto:size=1024,uidmapping=300:0:1"}, caller_map);
  const IdMap map = automatic_id_map(request, joe, {});
  CHECK(map_text(map.uids) == "0 100000 300\n300 1000 1\n301 100300 723\n");
  CHECK(map_text(map.gids) == "0 100000 1024\n");
}

TEST_CASE("named ranges must be the caller's") {
  CHECK(map_text(named_id_map({{100000, 65536}}, {{100000, 65536}}, joe).uids) == "0 100000 65536\n");
  CHECK_THROWS_AS(named_id_map({{200000, 65536}}, {{100000, 65536}}, joe), base::Error);
}

TEST_CASE("a map lies within another when all of its host ids do") {
  CHECK(lies_within(map_of({.userns = "keep-id"}), caller_map));
  CHECK_FALSE(lies_within(caller_map, map_of({.userns = "nomap"})));
}

TEST_CASE("a translation leads from owners of one map to those of another") {
  const std::vector<IdRange> steps = translation(caller_map.uids, map_of({.userns = "keep-id"}).uids);
  CHECK(map_out(steps, 1000) == 100000U);    // root
  CHECK(map_out(steps, 100000) == 100001U);  // 1
  CHECK(map_out(steps, 100999) == 1000U);    // the caller's number
  CHECK(map_out(steps, 101000) == 101000U);  // the others stay
}
