#include <doctest/doctest.h>

#include "base/clock.hpp"

using namespace base;
using namespace std::chrono;

TEST_CASE("a time is written as Go's RFC3339Nano") {
  const Time start = sys_days{2026y / November / 22} + 3h + 7min + 58s;
  CHECK(format_rfc3339(start) == "2026-11-22T03:07:58Z");
  CHECK(format_rfc3339(start + 123456789ns) == "2026-11-22T03:07:58.123456789Z");
  CHECK(format_rfc3339(start + 120ms) == "2026-11-22T03:07:58.12Z");
  CHECK(format_rfc3339(start + 1ns) == "2026-11-22T03:07:58.000000001Z");
  CHECK(format_rfc3339(Time{} - 1s) == "1969-12-31T23:59:59Z");
}

TEST_CASE("a time is read with any fraction and offset") {
  const Time start = sys_days{2026y / November / 22} + 3h + 7min + 58s;
  CHECK(parse_rfc3339("2026-11-22T03:07:58Z") == start);
  CHECK(parse_rfc3339("2026-11-22t03:07:58z") == start);
  CHECK(parse_rfc3339("2026-11-22T05:37:58+02:30") == start);
  CHECK(parse_rfc3339("2026-11-21T23:07:58-04:00") == start);
  CHECK(parse_rfc3339("2026-11-22T03:07:58.5Z") == start + 500ms);
  CHECK(parse_rfc3339("2026-11-22T03:07:58.1234567891Z") == start + 123456789ns);
  CHECK(parse_rfc3339("0001-01-01T00:00:00Z") == Time::min());
  CHECK(parse_rfc3339("9999-12-31T23:59:59Z") == Time::max());
  CHECK(parse_rfc3339("2024-02-29T00:00:00Z").has_value());
}

TEST_CASE("what is no time is refused") {
  for (const char* bad : {"", "2026-11-22", "2026-11-22T03:07:58", "2026-13-22T03:07:58Z", "2026-02-29T03:07:58Z",
                          "2026-11-22T24:07:58Z", "2026-11-22T03:60:58Z", "2026-11-22T03:07:58.Z",
                          "2026-11-22T03:07:58+0200", "2026-11-22T03:07:58Z ", "26-11-22T03:07:58Z", "now"}) {
    CAPTURE(bad);
    CHECK(!parse_rfc3339(bad));
  }
}

TEST_CASE("writing and reading a time are each other's inverse") {
  for (const std::int64_t nanoseconds_since_1970 :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{1700000000123456780}}) {
    const Time time{nanoseconds{nanoseconds_since_1970}};
    CHECK(parse_rfc3339(format_rfc3339(time)) == time);
  }
}

TEST_CASE("a duration is told as docker tells it") {
  struct Case {
    seconds duration;
    const char* text;
  };
  for (const Case& one :
       {Case{0s, "Less than a second"}, Case{1s, "1 second"}, Case{59s, "59 seconds"}, Case{60s, "About a minute"},
        Case{119s, "About a minute"}, Case{120s, "2 minutes"}, Case{3599s, "59 minutes"}, Case{3600s, "About an hour"},
        Case{5399s, "About an hour"}, Case{5400s, "2 hours"}, Case{47h, "47 hours"}, Case{48h, "2 days"},
        Case{24h * 13, "13 days"}, Case{24h * 14, "2 weeks"}, Case{24h * 59, "8 weeks"}, Case{24h * 60, "2 months"},
        Case{24h * 365, "12 months"}, Case{24h * 365 * 2, "2 years"}}) {
    CAPTURE(one.duration.count());
    CHECK(human_duration(one.duration) == one.text);
  }
}

TEST_CASE("a test can stop the clock") {
  set_clock_for_tests(Time{} + 5s);
  CHECK(now() == Time{} + 5s);
  set_clock_for_tests(std::nullopt);
  CHECK(now() > Time{} + 5s);
}
