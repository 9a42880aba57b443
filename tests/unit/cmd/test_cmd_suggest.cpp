#include <doctest/doctest.h>

#include "cmd/suggest.hpp"

TEST_CASE("the distance counts inserted, lost, changed and swapped letters") {
  CHECK(cmd::edit_distance("", "") == 0);
  CHECK(cmd::edit_distance("", "abc") == 3);
  CHECK(cmd::edit_distance("run", "run") == 0);
  CHECK(cmd::edit_distance("rnu", "run") == 1);
  CHECK(cmd::edit_distance("rum", "run") == 1);
  CHECK(cmd::edit_distance("ru", "run") == 1);
  CHECK(cmd::edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("the nearest word is offered only when it is near") {
  const std::vector<std::string> words{"run", "rm", "rmi", "images", "inspect", "container ls"};
  CHECK(cmd::nearest_word("rnu", words) == "run");
  CHECK(cmd::nearest_word("imgaes", words) == "images");
  CHECK(cmd::nearest_word("insp", words) == "inspect");
  CHECK(cmd::nearest_word("container l", words) == "container ls");
  CHECK(cmd::nearest_word("frobnicate", words).empty());
  CHECK(cmd::nearest_word("", words).empty());
}
