#include <chrono>
#include <doctest/doctest.h>

#include "base/error.hpp"
#include "cmd/format.hpp"

TEST_CASE("a format is for people or JSON; templates are refused for now") {
  CHECK(cmd::parse_format("") == cmd::Format::people);
  CHECK(cmd::parse_format("table") == cmd::Format::people);
  CHECK(cmd::parse_format("json") == cmd::Format::json);
  CHECK_THROWS_WITH_AS(cmd::parse_format("{{.Id}}"), "--format \"{{.Id}}\": templates are not supported yet",
                       base::Error);
}

TEST_CASE("sizes of images have three digits and a blank") {
  CHECK(cmd::image_size(0) == "0 B");
  CHECK(cmd::image_size(999) == "999 B");
  CHECK(cmd::image_size(1000) == "1 kB");
  CHECK(cmd::image_size(11'607) == "11.6 kB");
  CHECK(cmd::image_size(999'600) == "999.6 kB");
  CHECK(cmd::image_size(2'131'097) == "2.13 MB");
  CHECK(cmd::image_size(123'456'789'000) == "123 GB");
}

TEST_CASE("JSON is indented as Go does") {
  struct Case {
    const char* compact;
    const char* indented;
  };
  const Case cases[] = {
      {"[]", "[]"},
      {"{}", "{}"},
      {"[1,2]", "[\n    1,\n    2\n]"},
      {R"({"a":{"b":[]},"c":[{}]})", "{\n    \"a\": {\n        \"b\": []\n    },\n    \"c\": [\n        {}\n    ]\n}"},
      {R"({"a":"x,{[\"]}:","b\\":null})", "{\n    \"a\": \"x,{[\\\"]}:\",\n    \"b\\\\\": null\n}"},
      {"{ \"a\" :\n [ true , -1.5e3 ] }", "{\n    \"a\": [\n        true,\n        -1.5e3\n    ]\n}"},
  };
  for (const auto& [compact, indented] : cases) {
    const auto& shown = compact;
    CAPTURE(shown);
    CHECK(cmd::indented_json(compact) == indented);
    CHECK(cmd::indented_json(indented) == indented);
  }
}

TEST_CASE("an id is shown with twelve digits or whole") {
  const std::string id(64, 'a');
  CHECK(cmd::shown_id(id, false) == "aaaaaaaaaaaa");
  CHECK(cmd::shown_id(id, true) == id);
}

TEST_CASE("a time is told by its distance, and one ahead of the clock is now") {
  const base::Time now{std::chrono::hours{24 * 365}};
  base::set_clock_for_tests(now);
  CHECK(cmd::time_ago(now - std::chrono::minutes{5}) == "5 minutes ago");
  CHECK(cmd::time_ago(now + std::chrono::minutes{5}) == cmd::time_ago(now));
  CHECK(cmd::unix_seconds(now) == 24 * 365 * 3600);
  base::set_clock_for_tests(std::nullopt);
}
