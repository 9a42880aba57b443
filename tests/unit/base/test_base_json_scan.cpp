#include <doctest/doctest.h>

#include "base/json_scan.hpp"
#include "base/json_writer.hpp"

using base::JsonScan;

namespace {

struct Read {
  std::string text = "?";
  bool yes = false;
  int small = 0;
  std::uint64_t large = 0;
  std::vector<std::string> list;
  std::vector<std::pair<std::string, std::string>> map;
  std::vector<std::string> skipped;
  bool complete = false;
};

Read read(std::string_view bytes) {
  Read result;
  JsonScan scan{bytes};
  while (const auto key = scan.next_key()) {
    if (*key == "text")
      scan.read(result.text);
    else if (*key == "yes")
      scan.read(result.yes);
    else if (*key == "small")
      scan.read(result.small);
    else if (*key == "large")
      scan.read(result.large);
    else if (*key == "list")
      scan.read(result.list);
    else if (*key == "map")
      scan.read(result.map);
    else {
      result.skipped.emplace_back(*key);
      scan.skip();
    }
  }
  result.complete = scan.complete();
  return result;
}

}  // namespace

TEST_CASE("a scan reads what the writer wrote") {
  base::JsonWriter json;
  json.begin_object().member("text", "a \"quoted\" \\ word\n\t").member("yes", true).member("small", -7);
  json.member("other", 1.5).member("large", UINT64_MAX).member("list", std::vector<std::string>{"", "]", "\\"});
  json.key("nested").begin_object().member("list", std::vector<std::string>{"}", "\\\""}).key("x").null().end_object();
  json.member("map", std::vector<std::pair<std::string, std::string>>{{"b", "2"}, {"a", "{"}}).end_object();
  const Read result = read(json.text());
  CHECK(result.complete);
  CHECK(result.text == "a \"quoted\" \\ word\n\t");
  CHECK(result.yes);
  CHECK(result.small == -7);
  CHECK(result.large == UINT64_MAX);
  CHECK(result.list == std::vector<std::string>{"", "]", "\\"});
  CHECK(result.map == std::vector<std::pair<std::string, std::string>>{{"b", "2"}, {"a", "{"}});
  CHECK(result.skipped == std::vector<std::string>{"other", "nested"});
}

TEST_CASE("a scan takes white space and empty things") {
  CHECK(read("{}").complete);
  const Read result = read(" {\n \"list\" : [ ] , \"map\":{ },\"text\" : \"\" }\n");
  CHECK(result.complete);
  CHECK(result.text.empty());
}

TEST_CASE("what a scan cannot read makes it incomplete, never wrong") {
  for (const char* bytes : {"",
                            "[]",
                            "{",
                            "{\"text\"",
                            "{\"text\":",
                            "{\"text\":\"a",
                            "{\"text\":\"a\"",
                            "{\"text\":\"a\",}",
                            "{\"text\":1}",
                            "{\"text\":null}",
                            "{\"text\":\"\\u0041\"}",
                            "{\"text\":\"\xc3\xa9\"}",
                            "{\"text\":\"\xff\"}",
                            "{\"yes\":1}",
                            "{\"small\":4294967296}",
                            "{\"large\":-1}",
                            "{\"large\":18446744073709551616}",
                            "{\"large\":1.5}",
                            "{\"list\":[\"a\" \"b\"]}",
                            "{\"list\":[\"a\",]}",
                            "{\"list\":{}}",
                            "{\"map\":{\"a\"}}",
                            "{\"map\":{\"a\":1}}",
                            "{\"x\":[1,2}",
                            "{\"x\":}",
                            "{\"x\" 1}",
                            "{\"text\":\"a\"}{}",
                            "{\"text\":\"a\"} x",
                            "{\"a\":1 \"b\":2}",
                            "{\"te\\u0078t\":\"a\"}",
                            "{x:1}",
                            "{\"x\":[[[\"\\\"]]]}"}) {
    CAPTURE(bytes);
    CHECK_FALSE(read(bytes).complete);
  }
  const std::string cut{"{\"text\":\"a\0\"}", 13};
  CHECK_FALSE(read(cut).complete);
}
