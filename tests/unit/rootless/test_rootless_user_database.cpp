#include <doctest/doctest.h>
#include <unistd.h>

#include "rootless/user_database.hpp"

TEST_CASE("a passwd line is found by uid and broken ones are passed over") {
  const char* text =
      "root:x:0:0:root:/root:/bin/bash\n"
      "short:x:1000\n"
      "joe:x:1000:1000:Joe,,,:/home/joe:/bin/sh\n"
      "second:x:1000:1000::/home/second:/bin/sh\n"
      ":x:7:7::/:\n";
  const auto entry = rootless::find_user(text, 1000);
  REQUIRE(entry.has_value());
  CHECK(entry->name == "joe");
  CHECK(entry->home == "/home/joe");
  CHECK(entry->shell == "/bin/sh");
  CHECK_FALSE(rootless::find_user(text, 1001).has_value());
  CHECK_FALSE(rootless::find_user(text, 7).has_value());
  CHECK_FALSE(rootless::find_user("", 0).has_value());
}

TEST_CASE("root of this machine is known") {
  const auto entry = rootless::look_up_user(0);
  REQUIRE(entry.has_value());
  CHECK(entry->name == "root");
}

TEST_CASE("a uid that nobody knows is nobody") {
  CHECK_FALSE(rootless::look_up_user(3987654321U).has_value());
}
