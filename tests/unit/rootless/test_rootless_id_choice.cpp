#include <doctest/doctest.h>

#include "rootless/id_choice.hpp"

using rootless::IdChoice;
using rootless::IdCircumstances;

namespace {

IdCircumstances joe() {
  return {.uid = 1000,
          .gid = 1000,
          .user_name = "joe",
          .may_write_any_map = false,
          .available_uids = {{0, 4294967295U}},
          .available_gids = {{0, 4294967295U}},
          .subordinate = {.uids = {{100000, 65536}}, .gids = {{100000, 65536}}},
          .helper_problem = "",
          .free_subid = 165536};
}

}  // namespace

TEST_CASE("a user with ranges and helpers gets them all") {
  const IdChoice choice = rootless::choose_id_map(joe());
  CHECK_FALSE(choice.map.single);
  CHECK(choice.map.uids.back() == rootless::IdRange{1, 100000, 65536});
  CHECK(choice.single_reason.empty());
}

TEST_CASE("a user without ranges learns which file lacks which line") {
  IdCircumstances who = joe();
  who.subordinate.gids.clear();
  const IdChoice choice = rootless::choose_id_map(who);
  CHECK(choice.map.single);
  CHECK(choice.single_reason == "no range for \"joe\" in /etc/subgid");
  CHECK(choice.single_hint.find("joe:165536:65536") != std::string::npos);
  CHECK(choice.single_hint.find("usermod --add-subuids 165536-231071 --add-subgids 165536-231071 joe") !=
        std::string::npos);
}

TEST_CASE("a helper that cannot work means one id, and is named") {
  IdCircumstances who = joe();
  who.helper_problem = "newuidmap is not installed";
  const IdChoice choice = rootless::choose_id_map(who);
  CHECK(choice.map == rootless::single_map(1000, 1000));
  CHECK(choice.single_reason == "newuidmap is not installed");
}

TEST_CASE("ranges that do not exist in a surrounding container are not used") {
  IdCircumstances who = joe();
  who.available_uids = who.available_gids = {{0, 65537}};
  const IdChoice choice = rootless::choose_id_map(who);
  CHECK(choice.map.single);
  CHECK(choice.single_reason.find("do not exist") != std::string::npos);
}

TEST_CASE("whoever may write any map keeps the ids there are, and needs no helper") {
  IdCircumstances who = joe();
  who.may_write_any_map = true;
  who.helper_problem = "newuidmap is not installed";
  who.available_uids = {{0, 65537}};
  const IdChoice choice = rootless::choose_id_map(who);
  CHECK(choice.map.uids == std::vector<rootless::IdRange>{{0, 0, 65537}});
  CHECK(choice.single_reason.empty());
}
