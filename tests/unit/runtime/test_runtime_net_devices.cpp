#include <doctest/doctest.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/process.hpp"
#include "base/scope_exit.hpp"
#include "tests/unit/runtime/sample_container.hpp"

// In a network namespace of the test's own, so that nothing of the host's network is touched.

namespace {

constexpr std::chrono::seconds patience{20};

class OwnNetwork {
 public:
  OwnNetwork() : home_(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) {
    if (!home_ || ::unshare(CLONE_NEWNET) != 0) throw base::os_error("making a network namespace");
  }
  OwnNetwork(const OwnNetwork&) = delete;
  OwnNetwork& operator=(const OwnNetwork&) = delete;
  ~OwnNetwork() { CHECK(::setns(home_.get(), CLONE_NEWNET) == 0); }

  void ip(const std::string& words) const {
    std::vector<std::string> argv = {"ip"};
    for (const std::string_view word : base::split(words, ' ')) argv.emplace_back(word);
    const base::Output output = base::run_and_capture({.path = *base::find_program("ip"), .argv = argv}, patience);
    REQUIRE_MESSAGE(output.status.code == 0, words, ": ", output.err);
  }

 private:
  base::UniqueFd home_;
};

bool can_test() {
  if (::geteuid() == 0 && base::find_program("ip") && why_no_containers().empty()) return true;
  MESSAGE("skipped: it takes root, ip(8) and containers");
  return false;
}

std::string problem_of(SampleContainer& container) {
  try {
    container.run("true");
  } catch (const base::Error& error) {
    return error.message();
  }
  return "";
}

}  // namespace

TEST_CASE("a network device moves into the container with its permanent addresses, under its new name, and is up") {
  if (!can_test()) return;
  const OwnNetwork network;
  network.ip("link add moved type veth peer name peer");
  network.ip("link set moved mtu 1400");
  network.ip("addr add 10.9.8.7/24 dev moved");
  network.ip("addr add 10.9.8.8/24 dev moved valid_lft 1000 preferred_lft 1000");
  network.ip("addr add 10.7.8.9/24 dev moved scope link");
  SampleContainer container;
  container.spec.linux.namespaces.push_back({"network", ""});
  container.spec.linux.net_devices = {{"moved", "in%d"}};
  const std::string output = container.run("busybox ip addr show in0").output;
  CHECK(output.find("10.9.8.7/24") != std::string::npos);
  CHECK(output.find("10.9.8.8") == std::string::npos);
  CHECK(output.find("10.7.8.9") == std::string::npos);
  CHECK(output.find(",UP") != std::string::npos);
  CHECK(output.find("mtu 1400") != std::string::npos);
}

TEST_CASE("a device that is absent, or whose name is taken inside, is named and stays where it is") {
  if (!can_test()) return;
  const OwnNetwork network;
  network.ip("link add moved type veth peer name peer");
  SampleContainer container;
  container.spec.linux.namespaces.push_back({"network", ""});
  container.spec.linux.net_devices = {{"moved", "lo"}};
  CHECK(problem_of(container).find("\"lo\"") != std::string::npos);
  CHECK(::if_nametoindex("moved") != 0);
  container.spec.linux.net_devices = {{"absent", "absent"}};
  CHECK(problem_of(container).find("\"absent\"") != std::string::npos);
}
