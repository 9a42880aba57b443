#include <doctest/doctest.h>

#include "base/error.hpp"
#include "engine/published_ports.hpp"

using engine::joined_ranges;
using engine::parse_expose;
using engine::parse_publish;
using rootless::PortMapping;

namespace {

PortMapping mapping(std::string ip, std::uint16_t host, std::uint16_t container, std::uint16_t count = 1,
                    std::string protocol = "tcp") {
  return {std::move(ip), host, container, count, std::move(protocol)};
}

}  // namespace

TEST_CASE("--publish has all of podman's forms") {
  CHECK(parse_publish("80") == mapping("", 0, 80));
  CHECK(parse_publish("80-81/udp") == mapping("", 0, 80, 2, "udp"));
  CHECK(parse_publish("8080:80") == mapping("", 8080, 80));
  CHECK(parse_publish(":80") == mapping("", 0, 80));
  CHECK(parse_publish("8080-8082:80-82/TCP") == mapping("", 8080, 80, 3));
  CHECK(parse_publish("127.0.0.1:8080:80") == mapping("127.0.0.1", 8080, 80));
  CHECK(parse_publish("127.0.0.1::80") == mapping("127.0.0.1", 0, 80));
  CHECK(parse_publish("[::1]:8080:80") == mapping("::1", 8080, 80));
  CHECK(parse_publish("65535:65535/sctp") == mapping("", 65535, 65535, 1, "sctp"));
}

TEST_CASE("what is no port is refused") {
  for (const char* word : {"0:80", "8080:0", "70000:80", "a:80", "80/foo", "1.2.3:80:80", "8080-8082:80", "8080:80-82",
                           "82-80", "::1:80:80", "[::1]8080:80", "[::1:80", "1:2:3:4", "80-", "-80", "+80"}) {
    CAPTURE(word);
    CHECK_THROWS_AS(parse_publish(word), base::Error);
  }
}

TEST_CASE("exposed ports are told one by one") {
  CHECK(parse_expose("99") == std::vector<std::string>{"99/tcp"});
  CHECK(parse_expose("99-100/udp") == std::vector<std::string>{"99/udp", "100/udp"});
  CHECK_THROWS_AS(parse_expose("100-99"), base::Error);
}

TEST_CASE("neighbouring ports are one range, and what is said twice is one port") {
  const auto joined = joined_ranges({mapping("", 9000, 80), mapping("", 8081, 81), mapping("", 8080, 80),
                                     mapping("", 8080, 80), mapping("", 53, 53, 1, "udp")});
  CHECK(engine::ports_text(joined) == "0.0.0.0:8080-8081->80-81/tcp, 0.0.0.0:9000->80/tcp, 0.0.0.0:53->53/udp");
}

TEST_CASE("ports are read from the record as they were written") {
  storage::ContainerRecord record;
  record.network = "slirp4netns";
  engine::RunOptions options;
  options.publish = {"8080-8081:80-81", "[::1]:53:53/udp", "127.0.0.1:99:99"};
  engine::choose_ports(record, options, {"443/tcp"});
  CHECK(engine::ports_text(engine::published_ports(record)) ==
        "0.0.0.0:8080-8081->80-81/tcp, 127.0.0.1:99->99/tcp, ::1:53->53/udp");
  base::JsonWriter json;
  engine::write_port_map(json, record);
  CHECK(json.take() ==
        R"({"443/tcp":null,"53/udp":[{"HostIp":"::1","HostPort":"53"}],"80/tcp":[{"HostIp":"","HostPort":"8080"}],)"
        R"("81/tcp":[{"HostIp":"","HostPort":"8081"}],"99/tcp":[{"HostIp":"127.0.0.1","HostPort":"99"}]})");
  CHECK(engine::published_ports(std::vector<std::string>{"nonsense", ":1:2:3", "[::1:80:80:1/tcp", ":70000:80:1/tcp"})
            .empty());
}

TEST_CASE("--publish-all gives every exposed port one of the host, but those that --publish has") {
  storage::ContainerRecord record;
  record.network = "pasta";
  engine::RunOptions options;
  options.publish_all = true;
  options.publish = {"8080:80"};
  options.expose = {"99/udp"};
  engine::choose_ports(record, options, {"80/tcp", "not a port"});
  const auto mappings = engine::published_ports(record);
  REQUIRE(mappings.size() == 2);
  CHECK(mappings[0] == mapping("", 8080, 80));
  CHECK(mappings[1].container_port == 99);
  CHECK(mappings[1].host_port > 0);
}

TEST_CASE("a network without ports of its own drops them") {
  for (const char* network : {"host", "none", "ns:/run/netns/x"}) {
    storage::ContainerRecord record;
    record.network = network;
    engine::RunOptions options;
    options.publish = {"8080:80"};
    engine::choose_ports(record, options, {"80"});
    CHECK(record.ports.empty());
  }
}
