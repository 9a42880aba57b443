#include <doctest/doctest.h>

#include "base/error.hpp"
#include "engine/user.hpp"

using engine::resolve_user;

namespace {

const std::string passwd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "app:x:1000:1001:app:/home/app:/bin/sh\n"
    "123:x:77:77:numeric name:/:/bin/sh\n"
    "broken:x:notanumber:1::/:/bin/sh\n"
    "short:x:5\n";
const std::string group = "root:x:0:\napp:x:1001:\nextra:x:2000:app,root\nmore:x:2001:app\n";

struct Row {
  const char* wanted;
  std::uint32_t uid, gid;
  std::vector<std::uint32_t> groups;
  const char* home;
};

}  // namespace

TEST_CASE("every form of --user means what podman means by it") {
  const std::vector<Row> rows{
      {"", 0, 0, {0, 2000}, "/root"},
      {"root", 0, 0, {0, 2000}, "/root"},
      {"app", 1000, 1001, {1001, 2000, 2001}, "/home/app"},
      {"1000", 1000, 1001, {1001, 2000, 2001}, "/home/app"},
      {"1", 1, 0, {0}, "/"},
      {"1:", 1, 0, {0}, "/"},
      {":1", 0, 1, {1}, "/root"},
      {"1:2", 1, 2, {2}, "/"},
      {"app:3", 1000, 3, {3}, "/home/app"},
      {"app:extra", 1000, 2000, {2000}, "/home/app"},
      {"01", 1, 0, {0}, "/"},
      {"4294967294", 4294967294U, 0, {0}, "/"},
      {"123", 123, 0, {0}, "/"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.wanted);
    const engine::ResolvedUser user = resolve_user(row.wanted, passwd, group, {});
    CHECK(user.uid == row.uid);
    CHECK(user.gid == row.gid);
    CHECK(user.additional_gids == row.groups);
    CHECK(user.home == row.home);
  }
}

TEST_CASE("what is neither a known name nor an id is refused, never taken for 0") {
  for (const char* bad :
       {"0x1", " 1", "+1", "-1", "4294967295", "4294967296", "1234567890123456789012345678901234567890", "nobody",
        "broken", "short", "app:nogroup", "1:4294967295", "app\nroot"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(resolve_user(bad, passwd, group, {}), base::Error);
  }
}

TEST_CASE("--group-add takes names and numbers of the container") {
  CHECK(resolve_user("1", passwd, group, {"extra", "7", "7"}).additional_gids ==
        std::vector<std::uint32_t>{0, 7, 2000});
  CHECK_THROWS_AS(resolve_user("1", passwd, group, {"nogroup"}), base::Error);
}

TEST_CASE("an image without passwd still has a root user") {
  const engine::ResolvedUser user = resolve_user("", "", "", {});
  CHECK(user.uid == 0);
  CHECK(user.home == "/root");
}

TEST_CASE("a hostile passwd cannot make lines from nothing") {
  const std::string long_line = std::string(1 << 20, 'x') + ":x:0:0::/:/bin/sh\n";
  CHECK_THROWS_AS(resolve_user("xxx", long_line, "", {}), base::Error);
  CHECK(resolve_user("app", long_line + passwd, group, {}).uid == 1000);
}
