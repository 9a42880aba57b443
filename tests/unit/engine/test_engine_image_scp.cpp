#include <doctest/doctest.h>

#include "base/error.hpp"
#include "engine/image_scp.hpp"

using engine::parse_scp_place;
using engine::ScpPlace;

TEST_CASE("two colons divide where an image is from what it is called") {
  struct Row {
    const char *typed, *host, *user, *image;
  };
  for (const Row& row :
       {Row{"app:1", "", "", "app:1"}, Row{"build::", "build", "", ""},
        Row{"ann@build::a.io/app:1", "ann@build", "", "a.io/app:1"},
        Row{"ssh://ann@build:22::app", "ssh://ann@build:22", "", "app"}, Row{"root@localhost::app", "", "root", "app"},
        Row{"localhost::app", "localhost", "", "app"}}) {
    CAPTURE(row.typed);
    const ScpPlace place = parse_scp_place(row.typed);
    CHECK(place.host == row.host);
    CHECK(place.user == row.user);
    CHECK(place.image == row.image);
  }
}

TEST_CASE("what ssh or a shell would take for something else is no place of an image") {
  for (const char* bad : {"-oProxyCommand=x::app", "::app", "@localhost::app", "host::-x", "host::a b", "host::a;b",
                          "host::$a", "host::`a`", "host::a'b", "host::a\nb"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_scp_place(bad), base::Error);
  }
}
