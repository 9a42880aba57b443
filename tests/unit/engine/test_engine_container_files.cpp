#include <doctest/doctest.h>

#include "base/error.hpp"
#include "engine/container_files.hpp"

using engine::make_hosts;
using engine::make_resolv_conf;
using engine::RunOptions;

TEST_CASE("loopback name servers of the host are of no use in another network namespace") {
  const char* host = "nameserver 127.0.0.53\nnameserver 192.0.2.1\nsearch example.org\noptions edns0\n# x\n";
  CHECK(make_resolv_conf(host, {}, "private", "10.0.2.3") ==
        "nameserver 10.0.2.3\nnameserver 192.0.2.1\nsearch example.org\noptions edns0\n");
  CHECK(make_resolv_conf(host, {}, "host", "").find("127.0.0.53") != std::string::npos);
}

TEST_CASE("--dns replaces what the host has") {
  RunOptions options;
  options.dns = {"192.0.2.9"};
  options.dns_search = {"a.test", "b.test"};
  CHECK(make_resolv_conf("nameserver 192.0.2.1\nsearch x\n", options, "private", "10.0.2.3") ==
        "search a.test b.test\nnameserver 192.0.2.9\n");
}

TEST_CASE("hosts has --add-host first, the host's lines, and the container's own name") {
  RunOptions options;
  options.add_hosts = {"db;database:192.0.2.7"};
  storage::ContainerRecord record;
  record.network = "none";
  record.hostname = "box";
  record.name = "web";
  CHECK(make_hosts("127.0.0.1 localhost\n", options, record, {"", "127.0.0.1"}) ==
        "192.0.2.7\tdb database\n127.0.0.1 localhost\n127.0.0.1\tbox web\n");
  for (const char* bad : {"db", ":1.2.3.4", "db:", "a b:1.2.3.4", "db:1\n2", "db:name"}) {
    CAPTURE(bad);
    options.add_hosts = {bad};
    CHECK_THROWS_AS(make_hosts("", options, record, {}), base::Error);
  }
}

TEST_CASE("hosts has the address of the host, also as host-gateway") {
  RunOptions options;
  options.add_hosts = {"gate:host-gateway"};
  storage::ContainerRecord record;
  record.hostname = "box";
  record.name = "web";
  CHECK(make_hosts("127.0.0.1 localhost\n", options, record, {"192.0.2.2", "10.0.2.100"}) ==
        "192.0.2.2\tgate\n127.0.0.1 localhost\n192.0.2.2\thost.containers.internal host.docker.internal\n"
        "10.0.2.100\tbox web\n");
  CHECK_THROWS_AS(make_hosts("", options, record, {}), base::Error);
}

TEST_CASE("options for names that contradict each other or are no addresses are refused") {
  RunOptions options;
  options.dns = {"none"};
  CHECK_NOTHROW(engine::check_name_options(options));
  options.dns_search = {"x.test"};
  CHECK_THROWS_AS(engine::check_name_options(options), base::Error);
  options = {};
  options.dns = {"name.test"};
  CHECK_THROWS_AS(engine::check_name_options(options), base::Error);
  options = {};
  options.no_hosts = true;
  options.add_hosts = {"a:1.2.3.4"};
  CHECK_THROWS_AS(engine::check_name_options(options), base::Error);
}

TEST_CASE("--dns-search . asks for no search domain") {
  RunOptions options;
  options.dns_search = {"."};
  CHECK(make_resolv_conf("search x\nnameserver 192.0.2.1\n", options, "host", "") == "nameserver 192.0.2.1\n");
}
