#include <doctest/doctest.h>

#include "base/error.hpp"
#include "rootless/network_options.hpp"
#include "rootless/port_forwards.hpp"

using rootless::parse_user_network;

TEST_CASE("options of slirp4netns are podman's, and others are refused") {
  const auto options = parse_user_network(
      "slirp4netns:allow_host_loopback=true,mtu=1500,cidr=10.9.8.0/24,enable_ipv6=true,port_handler=rootlesskit");
  CHECK(options.helper == "slirp4netns");
  CHECK(options.allow_host_loopback);
  CHECK(options.ipv6);
  CHECK(options.mtu == 1500);
  CHECK(rootless::slirp_address(options, 100) == "10.9.8.100");
  CHECK(rootless::slirp_address({}, 3) == "10.0.2.3");
  for (const char* word : {"foo=1", "mtu=1", "mtu=x", "cidr=10.0.0.0", "cidr=10.0.0.0/30", "cidr=::/64",
                           "allow_host_loopback=yes", "port_handler=x", "outbound_addr=a b", "outbound_addr="}) {
    CAPTURE(word);
    CHECK_THROWS_AS(parse_user_network(std::string{"slirp4netns:"} + word), base::Error);
  }
}

TEST_CASE("what follows pasta: is passed on word by word") {
  const auto options = parse_user_network("pasta:-t,auto,--map-gw");
  CHECK(options.helper == "pasta");
  CHECK(options.pasta_words == std::vector<std::string>{"-t", "auto", "--map-gw"});
}

TEST_CASE("which words ask for a user-mode network") {
  for (const char* word : {"private", "bridge", "pasta", "pasta:-4", "slirp4netns", "slirp4netns:mtu=1500"})
    CHECK(rootless::is_user_network(word));
  for (const char* word : {"none", "host", "container:x", "ns:/x", "pastah", ""})
    CHECK_FALSE(rootless::is_user_network(word));
}

TEST_CASE("pasta gets the ports, and none where nobody asked for any") {
  using Words = std::vector<std::string>;
  CHECK(rootless::pasta_port_words({}, {}) == Words{"-t", "none", "-u", "none", "-T", "none", "-U", "none"});
  CHECK(rootless::pasta_port_words({}, {"-t", "auto"}) == Words{"-u", "none", "-T", "none", "-U", "none"});
  CHECK(rootless::pasta_port_words({{"", 8080, 80, 2, "tcp"}, {"::1", 53, 53, 1, "udp"}}, {}) ==
        Words{"-t", "8080-8081:80-81", "-u", "::1/53:53", "-T", "none", "-U", "none"});
}

TEST_CASE("what neither helper forwards is refused by name") {
  CHECK_THROWS_AS(rootless::check_protocols({{"", 1024, 80, 1, "sctp"}}), base::Error);
  CHECK(rootless::needs_pasta({{"::1", 1024, 80, 1, "tcp"}}));
  CHECK_FALSE(rootless::needs_pasta({{"127.0.0.1", 1024, 80, 1, "tcp"}}));
}
