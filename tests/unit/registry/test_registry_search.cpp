#include <doctest/doctest.h>

#include "base/error.hpp"
#include "loopback_server.hpp"
#include "registry/search.hpp"

using registry::parse_search_term;
using registry_test::http_response;
using registry_test::LoopbackServer;
using registry_test::SeenRequest;

namespace {

const std::string results = R"({"results":[
  {"name":"team/foo","description":"one\nline","star_count":12,"is_official":true},
  {"name":"bar","star_count":-3,"is_automated":true}]})";

std::vector<registry::SearchHit> search(const LoopbackServer& server, const std::string& words) {
  registry::RegistryOptions options;
  options.tls_verify = false;
  options.retries = 0;
  return registry::search_registry(server.host(), words, 25, options);
}

}  // namespace

TEST_CASE("a term names its registry only with a dot, a port or localhost") {
  CHECK(parse_search_term("quay.io/podman/stable").registry == "quay.io");
  CHECK(parse_search_term("quay.io/podman/stable").words == "podman/stable");
  CHECK(parse_search_term("localhost:5000/x").registry == "localhost:5000");
  CHECK(parse_search_term("localhost/x").registry == "localhost");
  CHECK(parse_search_term("team/app").registry.empty());
  CHECK(parse_search_term("team/app").words == "team/app");
  CHECK(parse_search_term("app").registry.empty());
}

TEST_CASE("results of the search API become names that can be pulled, and one line of text") {
  LoopbackServer server(
      [](const SeenRequest&) { return http_response(200, {"Content-Type: application/json"}, results); });
  const auto hits = search(server, "a b");
  REQUIRE(hits.size() == 2);
  CHECK(hits[0].name == server.host() + "/team/foo");
  CHECK(hits[0].description == "one line");
  CHECK(hits[0].stars == 12);
  CHECK(hits[0].is_official);
  CHECK(hits[1].stars == 0);
  CHECK(server.requests().back().target == "/v1/search?q=a%20b&n=25");
  CHECK(registry::parse_search_results(results, "docker.io")[1].name == "docker.io/library/bar");
}

TEST_CASE("a registry without searches has its list gone through") {
  LoopbackServer server([](const SeenRequest& request) {
    if (request.target.substr(0, 12) != "/v2/_catalog") return http_response(404, {}, "");
    return http_response(200, {"Content-Type: application/json"}, R"({"repositories":["a/one","b/two","one"]})");
  });
  const auto hits = search(server, "one");
  REQUIRE(hits.size() == 2);
  CHECK(hits[1].name == server.host() + "/one");
}

TEST_CASE("a registry with neither is said to be unsupported") {
  LoopbackServer server([](const SeenRequest&) { return http_response(404, {}, ""); });
  try {
    search(server, "x");
    FAIL("no error");
  } catch (const base::Error& error) {
    CHECK(error.kind() == base::ErrorKind::unsupported);
    CHECK(error.hint().find("engine tags") != std::string::npos);
  }
}

TEST_CASE("filters") {
  registry::SearchHit hit;
  hit.stars = 5;
  hit.is_official = true;
  const auto passes = [&](const std::vector<std::string>& filters) {
    return registry::matches(hit, registry::parse_search_filters(filters));
  };
  CHECK(passes({}));
  CHECK(passes({"stars=5", "is-official", "is-automated=false"}));
  CHECK_FALSE(passes({"stars=6"}));
  CHECK_FALSE(passes({"is-official=false"}));
  CHECK_FALSE(passes({"is-automated"}));
  for (const char* bad : {"stars", "stars=x", "is-official=maybe", "color=red", ""}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(registry::parse_search_filters({bad}), base::Error);
  }
}
