#include <doctest/doctest.h>

#include "engine/namespace_choice.hpp"

namespace engine {
namespace {

const NamespaceCircumstances here{.boot_id = "b", .user_namespace = 1, .mounts = 2, .is_unique = true};

TEST_CASE("what was found out about namespaces is read as it was written") {
  const NamespaceChoice choice{{{"network", "No space left on device"}, {"proc", "Operation not permitted"}}};
  const auto again = parse_namespace_record(namespace_record_text(choice, here), here);
  REQUIRE(again.has_value());
  CHECK(again->missing == choice.missing);
  CHECK(again->lacks("proc"));
  CHECK_FALSE(again->lacks("pid"));
}

TEST_CASE("after a reboot, elsewhere, or when it is damaged it is found out again") {
  const std::string text = namespace_record_text({}, here);
  CHECK(parse_namespace_record(text, here).has_value());
  CHECK_FALSE(parse_namespace_record(text, {"c", 1, 2, true}).has_value());
  CHECK_FALSE(parse_namespace_record(text, {"b", 3, 2, true}).has_value());
  CHECK_FALSE(parse_namespace_record(text, {"b", 1, 3, true}).has_value());
  CHECK_FALSE(parse_namespace_record(text, {"b", 1, 2, false}).has_value());
  CHECK_FALSE(parse_namespace_record(text.substr(1), here).has_value());
}

}  // namespace
}  // namespace engine
