#include <doctest/doctest.h>

#include "base/error.hpp"
#include "registry/yaml_file.hpp"

using registry::parse_yaml;
using registry::YamlNode;

TEST_CASE("maps, lists and texts of YAML") {
  const YamlNode root = parse_yaml("a:\n  - x\n  - 'true'\nb: {c: null}\nd:\n", "list.yaml");
  REQUIRE(root.members.size() == 3);
  CHECK(root.members[0].value.items[0].text == "x");
  CHECK(root.members[0].value.items[1].is_quoted);
  CHECK(root.members[1].value.members[0].value.is_null());
  CHECK(root.members[2].value.is_null());
  CHECK(root.members[1].value.line == 4);
  CHECK(parse_yaml("", "empty.yaml").is_null());
}

TEST_CASE("what is refused names its line") {
  const std::pair<const char*, const char*> rows[] = {
      {"a: &x 1\nb: *x\n", "list.yaml:1: anchors"},
      {"a: !!binary x\n", "list.yaml:1: anchors"},
      {"a: 1\na: 2\n", "list.yaml:2: \"a\" is there twice"},
      {"a: 1\n---\nb: 2\n", "list.yaml:2: only one document"},
      {"a: [1\n", "list.yaml:"},
      {"? [1]\n: 2\n", "list.yaml:1: a key is not a text"},
      {"a: \"\\0\"\n", "list.yaml:1: a text holds a NUL"},
  };
  for (const auto& [text, expected] : rows) {
    CAPTURE(text);
    try {
      parse_yaml(text, "list.yaml");
      FAIL("no error");
    } catch (const base::Error& error) {
      CHECK(error.message().substr(0, std::string_view{expected}.size()) == expected);
    }
  }
}

TEST_CASE("depth and count are limited") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK_NOTHROW(parse_yaml(nested(registry::max_yaml_depth), "x"));
  CHECK_THROWS_AS(parse_yaml(nested(registry::max_yaml_depth + 2), "x"), base::Error);
  std::string many;
  for (std::size_t i = 0; i < registry::max_yaml_nodes; ++i) many += "- 1\n";
  CHECK_THROWS_AS(parse_yaml(many, "x"), base::Error);
  CHECK_THROWS_AS(parse_yaml(std::string(registry::max_yaml_bytes + 1, ' '), "x"), base::Error);
}
