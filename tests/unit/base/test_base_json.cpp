#include <doctest/doctest.h>

#include "base/json.hpp"

using namespace base;

namespace {

std::string message_of(const auto& work) {
  try {
    work();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::corrupt);
    return error.message();
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("getters return what the document says") {
  const JsonAt json = JsonAt::parse(
      R"({"s":"x","t":true,"i":-5,"u":18446744073709551615,"d":1.5,"n":null,"a":["p","q"],"m":{"k":"v"}})", "test");
  CHECK(json.at("s").string() == "x");
  CHECK(json.at("t").boolean());
  CHECK(json.at("i").integer() == -5);
  CHECK(json.at("u").unsigned_integer() == UINT64_MAX);
  CHECK(json.at("d").number() == 1.5);
  CHECK(json.at("n").is_null());
  CHECK(!json.has("n"));
  CHECK(!json.find("n"));
  CHECK(!json.has("absent"));
  CHECK(json.at("a").strings() == std::vector<std::string>{"p", "q"});
  CHECK(json.at("m").string_map() == std::vector<std::pair<std::string, std::string>>{{"k", "v"}});
  CHECK(json.string_or("n", "default") == "default");
  CHECK(json.integer_or("absent", 4) == 4);
  CHECK(json.unsigned_or("absent", 4) == 4);
  CHECK(json.boolean_or("absent", true));
  CHECK(json.strings_or_empty("absent").empty());
  CHECK(json.at("a").dump() == R"(["p","q"])");
}

TEST_CASE("an error names the document and the path") {
  const JsonAt json = JsonAt::parse(R"({"layers":[{},{"size":"x"}],"odd key":{"a":1}})", "manifest of \"alpine\"");
  CHECK(message_of([&] { json.at("layers").array()[1].at("size").unsigned_integer(); }) ==
        "reading manifest of \"alpine\": layers[1].size is not an unsigned number");
  CHECK(message_of([&] { json.at("layers").array()[0].at("size"); }) ==
        "reading manifest of \"alpine\": layers[0].size is missing");
  CHECK(message_of([&] { json.at("odd key").at("a").string(); }) ==
        "reading manifest of \"alpine\": [\"odd key\"].a is not a string");
  CHECK(message_of([&] { json.string(); }) == "reading manifest of \"alpine\": the document is not a string");
}

TEST_CASE("members keep the order of the document") {
  std::string order;
  for (const auto& [name, value] : JsonAt::parse(R"({"z":1,"a":2,"m":3})", "test").members()) order += name;
  CHECK(order == "zam");
  CHECK(JsonAt::parse(R"({"z":1,"a":2})", "test").dump() == R"({"z":1,"a":2})");
}

TEST_CASE("numbers of the wrong kind are refused") {
  const JsonAt json = JsonAt::parse(R"([-1, 1.0, 9223372036854775808, true, "1"])", "test");
  for (const JsonAt& element : json.array()) {
    CAPTURE(element.dump());
    if (element.dump() != "9223372036854775808") CHECK_THROWS_AS(element.unsigned_integer(), Error);
    if (element.dump() != "-1") CHECK_THROWS_AS(element.integer(), Error);
  }
}

TEST_CASE("malformed documents are refused") {
  const std::string bad[] = {"",
                             "{",
                             "{}x",
                             "{} {}",
                             R"({"a":1,})",
                             "{a:1}",
                             "[1,]",
                             "nul",
                             "'x'",
                             "\"\xff\"",
                             "[01]",
                             "[1e999]",
                             "\"\\ud800\"",
                             "\"\x01\"",
                             std::string("{}\0", 3),
                             std::string("{}\0{", 4),
                             "[NaN]",
                             R"(["\u0000"])",
                             R"({"a\u0000":1})"};
  for (const std::string& text : bad) {
    CAPTURE(text);
    CHECK_THROWS_AS(JsonAt::parse(text, "test"), Error);
  }
}

TEST_CASE("a key may not come twice, but may come in two objects") {
  CHECK(message_of([] { JsonAt::parse(R"({"a":1,"b":{"a":2},"a":3})", "test"); }) ==
        "reading test: the document has the key \"a\" twice");
  CHECK_THROWS_AS(JsonAt::parse(R"([{"x":{"a":1,"\u0061":2}}])", "test"), Error);
  CHECK(JsonAt::parse(R"([{"a":1},{"a":2},{"b":{"a":1},"a":2}])", "test").array().size() == 3);
}

TEST_CASE("depth and length are limited, exactly at the limit") {
  const JsonLimits limits{.max_bytes = 100, .max_depth = 3};
  CHECK(JsonAt::parse("[[[1]]]", "test", limits).is_array());
  CHECK_THROWS_AS(JsonAt::parse("[[[[1]]]]", "test", limits), Error);
  CHECK_THROWS_AS(JsonAt::parse(R"({"a":{"b":{"c":{}}}})", "test", limits), Error);
  CHECK(JsonAt::parse("\"" + std::string(98, 'x') + "\"", "test", limits).is_string());
  CHECK_THROWS_AS(JsonAt::parse("\"" + std::string(99, 'x') + "\"", "test", limits), Error);
  CHECK_THROWS_AS(JsonAt::parse(std::string(1000000, '['), "test"), Error);
}

TEST_CASE("an object with very many keys is read in good time") {
  std::string text = "{";
  for (int index = 0; index < 200000; ++index) text += concat(index == 0 ? "" : ",", "\"", index, "\":0");
  CHECK(JsonAt::parse(text + "}", "test").members().size() == 200000);
}

TEST_CASE("a digest is checked where it is read") {
  const JsonAt json = JsonAt::parse(R"({"digest":"sha256:12"})", "test");
  CHECK(message_of([&] { json.at("digest").digest(); }).rfind("reading test: digest is not usable: ", 0) == 0);
}
