#include <doctest/doctest.h>

#include "rootless/cgroup.hpp"

TEST_CASE("our cgroup is the line of the unified hierarchy") {
  CHECK(rootless::unified_path("0::/user.slice/user-1000.slice\n") == "/user.slice/user-1000.slice");
  CHECK(rootless::unified_path("9:name=systemd:/a\n0::/\n") == "/");
  CHECK(rootless::unified_path("4:memory:/x\n").empty());
  CHECK(rootless::unified_path("").empty());
}

TEST_CASE("without cgroup v2 nothing is delegated, and the reason says so") {
  rootless::HostFacts host;
  host.cgroup = rootless::CgroupMode::hybrid;
  const rootless::Delegation delegation = rootless::find_delegation(host);
  CHECK(delegation.path.empty());
  CHECK(delegation.why_none == "this host has cgroups hybrid, not v2");
}
