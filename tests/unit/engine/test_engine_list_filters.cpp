#include <doctest/doctest.h>

#include "base/error.hpp"
#include "engine/list_filters.hpp"

using engine::ContainerSummary;
using engine::parse_list_filters;

namespace {
ContainerSummary web() {
  ContainerSummary summary;
  summary.id = "abcdef";
  summary.name = "web";
  summary.image = "docker.io/library/nginx:latest";
  summary.image_id = "1234";
  summary.status = "exited";
  summary.exit_code = 3;
  summary.labels = {{"tier", "front"}, {"team", "a"}};
  return summary;
}
bool match(std::vector<std::string> words) {
  return parse_list_filters(words).match(web());
}
}  // namespace

TEST_CASE("values of one key are alternatives, keys must all hold") {
  CHECK(match({"name=we", "name=db"}));
  CHECK(match({"status=exited", "id=abc"}));
  CHECK_FALSE(match({"status=running", "id=abc"}));
  CHECK(match({"exited=3"}));
  CHECK_FALSE(match({"exited=0"}));
}

TEST_CASE("labels must all hold") {
  CHECK(match({"label=tier", "label=team=a"}));
  CHECK_FALSE(match({"label=tier=front", "label=team=b"}));
}

TEST_CASE("ancestor is a name, a short name or an id") {
  for (const char* good :
       {"ancestor=nginx", "ancestor=docker.io/library/nginx", "ancestor=nginx:latest", "ancestor=1234"}) {
    CAPTURE(good);
    CHECK(match({good}));
  }
  CHECK_FALSE(match({"ancestor=ginx"}));
}

TEST_CASE("unknown filters are refused") {
  for (const char* bad : {"frob=1", "name", "status=flying"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_list_filters({bad}), base::Error);
  }
}
