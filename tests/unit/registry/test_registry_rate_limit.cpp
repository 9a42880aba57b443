#include <doctest/doctest.h>

#include "registry/rate_limit.hpp"

using registry::describe_limit;

TEST_CASE("a refusal says whose limit it is and until when") {
  const base::Time now = *base::parse_rfc3339("2026-11-22T11:50:00.5Z");
  const auto text = [&](const char* after, const char* limit, const char* source) {
    return describe_limit({.retry_after = after, .limit = limit, .remaining = "0;w=21600", .source = source}, now);
  };
  CHECK(text("", "", "").empty());
  CHECK(text("2400", "100;w=21600", "192.0.2.7") ==
        "; its limit is 100 requests in 6 hours for 192.0.2.7; again after 12:30:00 UTC (in 40 minutes)");
  CHECK(text("Sun, 22 Nov 2026 11:51:31 GMT", "", "") == "; again after 11:51:31 UTC (in 91 seconds)");
  CHECK(text("86400", "", "") == "; again after 2026-11-23 11:50:00 UTC (in 24 hours)");
  CHECK(text("", "1;w=60", "") == "; its limit is 1 request in a minute");
}

TEST_CASE("headers that make no sense say nothing") {
  const auto text = [&](const char* after, const char* limit, const char* source) {
    return describe_limit({.retry_after = after, .limit = limit, .remaining = "", .source = source}, {});
  };
  CHECK(text("soon", "many;w=1", "x").empty());
  CHECK(text("0", ";;;", "").empty());
  CHECK(text("", "5;w=x", "\x1b[2J") == "; its limit is 5 requests");
  CHECK(text("99999999999999999999", "", "") == "; again after more than a year");
}
