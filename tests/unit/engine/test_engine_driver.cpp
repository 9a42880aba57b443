#include <doctest/doctest.h>

#include "engine/driver.hpp"

using engine::DriverChoice;
using engine::DriverCircumstances;

TEST_CASE("a remembered driver is believed only under the circumstances in which it was found") {
  const DriverCircumstances then{"boot", 42, "/usr/bin/fuse-overlayfs"};
  const std::string text = engine::driver_record_text({base::RootfsDriver::copy, "no \"overlay\""}, then);
  const auto known = engine::parse_driver_record(text, then);
  REQUIRE(known.has_value());
  CHECK(known->driver == base::RootfsDriver::copy);
  CHECK(known->reason == "no \"overlay\"");
  CHECK_FALSE(engine::parse_driver_record(text, {"later", 42, "/usr/bin/fuse-overlayfs"}).has_value());
  CHECK_FALSE(engine::parse_driver_record(text, {"boot", 43, "/usr/bin/fuse-overlayfs"}).has_value());
  CHECK_FALSE(engine::parse_driver_record(text, {"boot", 42, ""}).has_value());
}

TEST_CASE("a damaged record is found out anew") {
  const DriverCircumstances now{"boot", 42, ""};
  for (const char* text :
       {"", "{", "{}", "[]", R"({"version":1})",
        R"({"version":2,"bootId":"boot","storeDevice":42,"fuseOverlayfs":"","driver":"copy","reason":""})",
        R"({"version":1,"bootId":"boot","storeDevice":42,"fuseOverlayfs":"","driver":"zfs","reason":""})"}) {
    CAPTURE(text);
    CHECK_FALSE(engine::parse_driver_record(text, now).has_value());
  }
}
