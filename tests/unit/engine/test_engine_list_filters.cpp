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
  summary.created = base::Time{std::chrono::seconds{2000}};
  summary.command = {"nginx", "-g"};
  summary.labels = {{"tier", "front"}, {"team", "a"}};
  return summary;
}
base::Time creation_of(const std::string& container) {
  if (container == "absent") throw base::make_error(base::ErrorKind::not_found, "no such container");
  return base::Time{std::chrono::seconds{container == "older" ? 1000 : 3000}};
}
bool match(std::vector<std::string> words) {
  return parse_list_filters(words, creation_of).match(web());
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
  for (const char* bad : {"frob=1", "name", "status=flying", "name=(", "before=absent", "until=soon"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(match({bad}), base::Error);
  }
}

TEST_CASE("a name is a regular expression") {
  CHECK(match({"name=^web$"}));
  CHECK(match({"name=w.b"}));
  CHECK(match({"name=db", "name=^w"}));
  CHECK_FALSE(match({"name=^eb"}));
  CHECK_FALSE(match({"name=we$"}));
}

TEST_CASE("times of creation leave out what is not between them") {
  CHECK(match({"since=older", "before=newer"}));
  CHECK_FALSE(match({"before=older"}));
  CHECK_FALSE(match({"since=newer"}));
  CHECK_FALSE(match({"before=newer", "before=older"}));
  CHECK_FALSE(match({"since=older", "since=newer"}));
  CHECK(match({"until=2001"}));
  CHECK_FALSE(match({"until=2000"}));
}

TEST_CASE("a label that must not be there") {
  CHECK(match({"label!=absent"}));
  CHECK(match({"label!=tier=back"}));
  CHECK_FALSE(match({"label!=tier"}));
  CHECK_FALSE(match({"label!=absent", "label!=team=a"}));
}

TEST_CASE("the command is its first word, and nothing is in a pod") {
  CHECK(match({"command=nginx"}));
  CHECK_FALSE(match({"command=-g"}));
  CHECK_FALSE(match({"pod=some"}));
}
