#include <doctest/doctest.h>

#include "base/error.hpp"
#include "rootless/host_datagrams.hpp"

using rootless::HostSide;
using rootless::NetworkOptions;
using rootless::PortMapping;
using rootless::unanswered_datagrams;

namespace {

NetworkOptions publishing(PortMapping mapping) {
  NetworkOptions options;
  options.ports = {std::move(mapping)};
  return options;
}

using Sides = std::vector<HostSide>;

}  // namespace

TEST_CASE("slirp4netns leaves datagrams to the loopback of IPv4 unanswered, unless it is open") {
  NetworkOptions options = publishing({"", 8053, 53, 2, "udp"});
  CHECK(unanswered_datagrams("slirp4netns", options) == Sides{{"127.0.0.1", false, 8053, 53, 2}});
  options.allow_host_loopback = true;
  CHECK(unanswered_datagrams("slirp4netns", options).empty());
  CHECK(unanswered_datagrams("slirp4netns", publishing({"192.0.2.1", 8053, 53, 1, "udp"})).empty());
  CHECK(unanswered_datagrams("slirp4netns", publishing({"127.0.0.9", 8053, 53, 1, "udp"})) ==
        Sides{{"127.0.0.9", false, 8053, 53, 1}});
}

TEST_CASE("pasta leaves those to the loopback and to the container's own addresses unanswered") {
  CHECK(unanswered_datagrams("pasta", publishing({"", 8053, 53, 1, "udp"})) == Sides{{"127.0.0.1", false, 8053, 53, 1},
                                                                                     {"", false, 8053, 53, 1},
                                                                                     {"::1", true, 8053, 53, 1},
                                                                                     {"", true, 8053, 53, 1}});
  CHECK(unanswered_datagrams("pasta", publishing({"0.0.0.0", 1, 2, 1, "udp"})) ==
        Sides{{"127.0.0.1", false, 1, 2, 1}, {"", false, 1, 2, 1}});
  CHECK(unanswered_datagrams("pasta", publishing({"0::0", 1, 2, 1, "udp"})) ==
        Sides{{"::1", true, 1, 2, 1}, {"", true, 1, 2, 1}});
  CHECK(unanswered_datagrams("pasta", publishing({"2001:db8::1", 1, 2, 1, "udp"})) ==
        Sides{{"2001:db8::1", true, 1, 2, 1}});
}

TEST_CASE("connections are no datagrams") {
  CHECK(unanswered_datagrams("pasta", publishing({"", 80, 80, 1, "tcp"})).empty());
}

TEST_CASE("a place for datagrams is a word, and back") {
  for (const HostSide& side :
       {HostSide{"127.0.0.1", false, 1, 65535, 7}, {"::1", true, 65535, 1, 1}, {"", true, 5, 6, 1}})
    CHECK(rootless::parse_host_side(rootless::host_side_word(side)) == side);
  for (const char* word :
       {"", "/", "127.0.0.1/4/1/2", "127.0.0.1/4/1/2/3/4", "/4/65536/1/1", "/4/-1/1/1", "/4/x/1/1"}) {
    CAPTURE(word);
    CHECK_THROWS_AS(rootless::parse_host_side(word), base::Error);
  }
}
