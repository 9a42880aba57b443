#include <chrono>
#include <doctest/doctest.h>

#include "base/error.hpp"
#include "cmd/format.hpp"
#include "cmd/report.hpp"
#include "cmd/tab_writer.hpp"

TEST_CASE("a command without fields has a format for people and JSON, and refuses templates") {
  CHECK(cmd::parse_format("") == cmd::Format::people);
  CHECK(cmd::parse_format("table") == cmd::Format::people);
  CHECK(cmd::parse_format("json") == cmd::Format::json);
  CHECK_THROWS_WITH_AS(cmd::parse_format("{{.Id}}"), "--format \"{{.Id}}\": this command has no template", base::Error);
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

TEST_CASE("what podman and docker call JSON is JSON, and a table is one with fields") {
  for (const char* json : {"json", " json ", "{{json .}}", "{{ json }}", "{{json . }}"}) {
    CAPTURE(json);
    CHECK(cmd::form_of(json) == cmd::Form::json);
  }
  for (const char* text : {"{{json .Names}}", "{{json .}}{{json .}}", "x{{json .}}", "tableau", "json!"}) {
    CAPTURE(text);
    CHECK(cmd::form_of(text) == cmd::Form::text);
  }
  CHECK(cmd::form_of("") == cmd::Form::own);
  CHECK(cmd::form_of("table") == cmd::Form::own);
  CHECK(cmd::form_of("table {{.ID}}") == cmd::Form::table);
}

TEST_CASE("headings are the words of a field's name") {
  CHECK(cmd::heading_of("CreatedAt") == "CREATED AT");
  CHECK(cmd::heading_of("ID") == "ID");
  CHECK(cmd::heading_of("RawReclaimable") == "RAW RECLAIMABLE");
  CHECK(cmd::heading_of("PIDNSName") == "PIDNS NAME");
}

TEST_CASE("cells line up with those of neighbouring lines only") {
  CHECK(cmd::align_tabs("NAME\tSIZE\nlonger than twelve\t1\n") == "NAME                SIZE\nlonger than twelve  1\n");
  CHECK(cmd::align_tabs("a\tb\nno cells\nlonger than twelve\tc\n") ==
        "a           b\nno cells\nlonger than twelve  c\n");
  CHECK(cmd::align_tabs("\xc3\xa9\tb\n") == "\xc3\xa9           b\n");
  CHECK(cmd::align_tabs("A\tB\nmade\t") == "A           B\nmade");
}
