#include <doctest/doctest.h>

#include "base/error.hpp"
#include "registry/challenge.hpp"

using registry::Challenge;
using registry::parse_challenges;

TEST_CASE("a bearer challenge gives realm, service and scope") {
  const auto challenges = parse_challenges(
      R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/busybox:pull")");
  REQUIRE(challenges.size() == 1);
  CHECK(challenges[0].scheme == "bearer");
  CHECK(challenges[0].parameter("realm") == "https://auth.docker.io/token");
  CHECK(challenges[0].parameter("service") == "registry.docker.io");
  CHECK(challenges[0].parameter("scope") == "repository:library/busybox:pull");
  CHECK(challenges[0].parameter("absent").empty());
}

TEST_CASE("challenges are told apart whatever stands between them") {
  struct Row {
    const char* header;
    std::vector<std::string> schemes;
  };
  const Row rows[] = {
      {"", {}},
      {" , ,", {}},
      {"Basic", {"basic"}},
      {"Basic realm=\"a\"", {"basic"}},
      {"BASIC Realm=a", {"basic"}},
      {"Negotiate, Basic realm=\"a\"", {"negotiate", "basic"}},
      {"Negotiate YWJj==, Basic realm=\"a\"", {"negotiate", "basic"}},
      {"Basic realm=\"a\", Bearer realm=\"b\", service=c", {"basic", "bearer"}},
      {"Bearer realm = \"b\" , error=\"x, y\" ,Basic realm=\"\"", {"bearer", "basic"}},
      {"Bearer realm=https://h/t,service=host:5000", {"bearer"}},
      {"Digest qop=\"auth,auth-int\", nonce=\"\\\"q\\\"\"", {"digest"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.header);
    std::vector<std::string> schemes;
    for (const Challenge& challenge : parse_challenges(row.header)) schemes.push_back(challenge.scheme);
    CHECK(schemes == row.schemes);
  }
}

TEST_CASE("quoted pairs and commas stay in a value") {
  const auto challenges = parse_challenges(R"(Bearer realm="a\"b, c", service="d")");
  REQUIRE(challenges.size() == 1);
  CHECK(challenges[0].parameter("realm") == "a\"b, c");
  CHECK(challenges[0].parameter("service") == "d");
}

TEST_CASE("broken challenge headers are refused") {
  for (const std::string& bad :
       {std::string{"Bearer realm=\"open"}, std::string{"Bearer realm=\"open\\"}, std::string{"\"quoted\""},
        std::string{"Bearer realm=\"a\"b"}, std::string{"=x"}, std::string{"Bearer realm=\"a\x01\""},
        std::string{"Bearer a b"}, std::string{"Ba\0sic", 6}}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_challenges(bad), base::Error);
  }
}

TEST_CASE("a challenge header is bounded in bytes, challenges and parameters") {
  const std::string start = "Basic realm=\"";
  const std::string fits = start + std::string(registry::max_challenge_bytes - start.size() - 1, 'a') + "\"";
  CHECK(parse_challenges(fits).size() == 1);
  CHECK_THROWS_AS(parse_challenges(fits + " "), base::Error);

  std::string many;
  for (std::size_t count = 0; count < registry::max_challenges; ++count) many += "Basic realm=\"a\",";
  CHECK(parse_challenges(many).size() == registry::max_challenges);
  CHECK_THROWS_AS(parse_challenges(many + "Basic realm=\"a\""), base::Error);

  std::string parameters = "Bearer ";
  for (std::size_t count = 0; count < registry::max_challenge_parameters; ++count) parameters += "a=b,";
  CHECK(parse_challenges(parameters).size() == 1);
  CHECK_THROWS_AS(parse_challenges(parameters + "a=b"), base::Error);
}
