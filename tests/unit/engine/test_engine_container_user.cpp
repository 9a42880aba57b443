#include <doctest/doctest.h>

#include "engine/automatic_size.hpp"
#include "engine/container_user.hpp"

using namespace engine;

TEST_CASE("keep-id adds the caller to passwd, unless the name or the id is known") {
  const std::string passwd = "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n";
  CHECK(passwd_line(passwd, "joe", 1001, 1002, "/work") == "joe:*:1001:1002::/work:/bin/sh\n");
  CHECK(passwd_line(passwd, "joe", 1000, 1000, "/").empty());
  CHECK(passwd_line(passwd, "user", 1001, 1001, "/").empty());
}

TEST_CASE("keep-id adds the caller's group, unless the name or the id is known") {
  const std::string group = "root:x:0:\nusers:x:100:joe\n";
  CHECK(group_line(group, "staff", 50, "joe") == "staff:x:50:joe\n");
  CHECK(group_line(group, "users", 50, "joe").empty());
  CHECK(group_line(group, "staff", 100, "joe").empty());
}

TEST_CASE("the highest id of a file leaves nobody out") {
  CHECK(highest_known_id("root:x:0:0::/:\napp:x:2500:3::/:\nnobody:x:65534:65534::/:\n") == 2500);
  CHECK(highest_known_id("nogroup:x:65534:\n") == 0);
  CHECK(highest_known_id("broken\na:x:not:1\n") == 0);
  CHECK(highest_known_id("") == 0);
}
