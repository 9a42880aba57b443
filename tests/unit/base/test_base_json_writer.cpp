#include <doctest/doctest.h>

#include "base/json.hpp"
#include "base/json_writer.hpp"

using base::JsonWriter;

namespace {

void write_sample(JsonWriter& json) {
  json.begin_object();
  json.member("Id", "x").member("Size", std::uint64_t{5}).member("Big", false);
  json.key("Empty").begin_object().end_object();
  json.key("None").begin_array().end_array();
  json.key("List").begin_array().value(1).value("b").null().end_array();
  json.member("Names", std::vector<std::string>{"p", "q"});
  json.key("Raw").raw("{\"a\":1}");
  json.end_object();
}

}  // namespace

TEST_CASE("compact JSON has no blanks") {
  JsonWriter json;
  write_sample(json);
  CHECK(json.text() == R"({"Id":"x","Size":5,"Big":false,"Empty":{},"None":[],"List":[1,"b",null],)"
                       R"("Names":["p","q"],"Raw":{"a":1}})");
}

TEST_CASE("indented JSON looks like Go's MarshalIndent") {
  JsonWriter json{4};
  json.begin_array().begin_object().member("A", 1).key("B").begin_array().end_array().end_object().end_array();
  CHECK(json.text() == "[\n    {\n        \"A\": 1,\n        \"B\": []\n    }\n]");
}

TEST_CASE("any bytes become a valid JSON string") {
  JsonWriter json;
  json.value(std::string("\"\\\n\t\r\x01\xff<&>é", 12));
  CHECK(json.text() == "\"\\\"\\\\\\n\\t\\r\\u0001\ufffd<&>é\"");
  CHECK(base::JsonAt::parse(json.text(), "test").is_string());
}

TEST_CASE("a std::string is a text, never a truth value") {
  JsonWriter json;
  const std::string text = "t";
  json.value(text);
  CHECK(json.text() == "\"t\"");
}

TEST_CASE("numbers with a fraction are written shortest") {
  for (const auto& [number, text] : {std::pair{0.5, "0.5"}, std::pair{1e6, "1000000"}, std::pair{-0.1, "-0.1"}}) {
    JsonWriter json;
    json.value(number);
    CHECK(json.text() == text);
  }
}
