#include <cstdlib>
#include <doctest/doctest.h>
#include <unistd.h>

#include "rootless/host_facts.hpp"

TEST_CASE("what is found out about this host holds together") {
  const rootless::HostFacts host = rootless::look_at_host();
  CHECK(host.uid == ::geteuid());
  CHECK(host.gid == ::getegid());
  CHECK_FALSE(host.user_name.empty());
  CHECK(host.home.starts_with('/'));
  CHECK(host.data_dir.starts_with('/'));
  CHECK(host.run_dir.starts_with('/'));
  CHECK_FALSE(host.kernel.empty());
  CHECK(host.boot_id.size() == 36);
  CHECK(host.id_map.single == !host.single_reason.empty());
  rootless::check_ranges(host.id_map.uids);
  rootless::check_ranges(host.id_map.gids);
}

TEST_CASE("a variable of the environment is told from an absent one") {
  ::setenv("ENGINE_TEST_VARIABLE", "", 1);
  CHECK(rootless::environment("ENGINE_TEST_VARIABLE") == "");
  ::unsetenv("ENGINE_TEST_VARIABLE");
  CHECK_FALSE(rootless::environment("ENGINE_TEST_VARIABLE").has_value());
}
