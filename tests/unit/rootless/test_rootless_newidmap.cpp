#include <doctest/doctest.h>
#include <linux/capability.h>

#include "rootless/newidmap.hpp"

TEST_CASE("a helper that is not there, or has no privileges, is explained") {
  CHECK(rootless::find_id_map_helper("newuidmap-of-nobody", CAP_SETUID).problem ==
        "newuidmap-of-nobody is not installed");
  const rootless::IdMapHelper plain = rootless::find_id_map_helper("true", CAP_SETUID);
  CHECK(plain.path.empty());
  CHECK(plain.problem.find("is neither setuid root nor has a file capability") != std::string::npos);
}
