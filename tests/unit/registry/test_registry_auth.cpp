#include <doctest/doctest.h>

#include "base/error.hpp"
#include "registry/auth.hpp"

using registry::judge_realm;
using registry::parse_url;
using registry::RealmTrust;

TEST_CASE("a token server is trusted only as far as the registry that named it") {
  struct Row {
    const char* registry;
    const char* realm;
    bool verified;
    RealmTrust trust;
  };
  const Row rows[] = {
      {"https://r.io", "https://r.io/token", true, RealmTrust::full},
      {"https://r.io", "https://r.io:8443/token", true, RealmTrust::full},
      {"https://r.io", "https://auth.io/token", true, RealmTrust::full},
      {"https://r.io", "https://auth.io/token", false, RealmTrust::anonymous},
      {"https://r.io", "http://auth.io/token", true, RealmTrust::refused},
      {"https://r.io", "http://r.io/token", true, RealmTrust::refused},
      {"https://r.io", "http://r.io/token", false, RealmTrust::refused},
      {"http://r.io:5000", "http://r.io:5001/token", false, RealmTrust::full},
      {"http://r.io:5000", "http://auth.io/token", false, RealmTrust::refused},
      {"http://r.io:5000", "https://auth.io/token", false, RealmTrust::anonymous},
      {"https://r.io", "https://127.0.0.1/token", true, RealmTrust::refused},
      {"https://r.io", "https://localhost/token", true, RealmTrust::refused},
      {"https://r.io", "https://169.254.169.254/latest", true, RealmTrust::refused},
      {"https://r.io", "https://[::1]/token", true, RealmTrust::refused},
      {"https://127.0.0.1:5000", "https://localhost:5001/token", true, RealmTrust::full},
  };
  for (const Row& row : rows) {
    CAPTURE(row.registry);
    CAPTURE(row.realm);
    CAPTURE(row.verified);
    CHECK(judge_realm(parse_url(row.registry), parse_url(row.realm), row.verified) == row.trust);
  }
}

TEST_CASE("the token request says who, what and for whom") {
  CHECK(registry::token_url(parse_url("https://a.io/token"), "me", "reg.io", {"repository:a/b:pull"}).text() ==
        "https://a.io/token?account=me&scope=repository%3aa%2fb%3apull&service=reg.io");
  CHECK(registry::token_url(parse_url("https://a.io/token?x=1"), "", "", {"s"}).text() ==
        "https://a.io/token?x=1&scope=s");
  CHECK(registry::token_url(parse_url("https://a.io/t"), "a&b=c", "", {}).text() == "https://a.io/t?account=a%26b%3dc");
}

TEST_CASE("a token is taken from either member, and must fit into a header line") {
  CHECK(registry::parse_token(R"({"token":"T","expires_in":-5})", "server") == "T");
  CHECK(registry::parse_token(R"({"access_token":"A","expires_in":1e99})", "server") == "A");
  CHECK(registry::parse_token(R"({"token":"","access_token":"A"})", "server") == "A");
  for (const char* bad : {"{}", R"({"token":""})", R"({"token":7})", R"({"token":"a\r\nX: y"})", R"({"token":"a b"})",
                          "[]", "", R"({"token":"a"} x)"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(registry::parse_token(bad, "server"), base::Error);
  }
}
