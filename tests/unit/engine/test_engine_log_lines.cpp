#include <doctest/doctest.h>

#include "base/error.hpp"
#include "engine/log_lines.hpp"

using engine::parse_log_line;
using engine::parse_log_time;

TEST_CASE("a k8s-file line is time, stream, tag and text") {
  const auto line = parse_log_line("2026-11-22T03:07:58.1Z stderr P two words ");
  REQUIRE(line);
  CHECK(line->time == "2026-11-22T03:07:58.1Z");
  CHECK(line->is_stderr);
  CHECK(line->is_partial);
  CHECK(line->text == "two words ");
  CHECK(parse_log_line("2026-11-22T03:07:58Z stdout F ")->text.empty());
}

TEST_CASE("damaged lines are no lines") {
  for (const char* bad : {"", "x", "2026 stdout", "2026 stdin F text", "2026 stdout X text", "2026 stdout F"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_log_line(bad));
  }
}

TEST_CASE("--since takes times, seconds and durations") {
  const base::Time now = *base::parse_rfc3339("2026-11-22T12:00:00Z");
  CHECK(parse_log_time("2026-11-22T11:00:00Z", now) == *base::parse_rfc3339("2026-11-22T11:00:00Z"));
  CHECK(parse_log_time("2026-11-22", now) == *base::parse_rfc3339("2026-11-22T00:00:00Z"));
  CHECK(parse_log_time("1h30m", now) == *base::parse_rfc3339("2026-11-22T10:30:00Z"));
  CHECK(parse_log_time("0.5", now) == base::Time{std::chrono::milliseconds{500}});
  for (const char* bad : {"", "yesterday", "1x", "h"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_log_time(bad, now), base::Error);
  }
}
