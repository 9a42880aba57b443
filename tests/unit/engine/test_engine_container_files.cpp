#include <doctest/doctest.h>

#include "base/error.hpp"
#include "engine/container_files.hpp"

using engine::make_hosts;
using engine::make_resolv_conf;
using engine::RunOptions;

TEST_CASE("loopback name servers of the host are of no use in another network namespace") {
  const char* host = "nameserver 127.0.0.53\nnameserver 192.0.2.1\nsearch example.org\noptions edns0\n# x\n";
  CHECK(make_resolv_conf(host, {}, "private", "10.0.2.3") ==
        "nameserver 192.0.2.1\nsearch example.org\noptions edns0\nnameserver 10.0.2.3\n");
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
  CHECK(make_hosts("127.0.0.1 localhost\n", options, record) ==
        "192.0.2.7\tdb database\n127.0.0.1 localhost\n127.0.0.1\tbox web\n");
  for (const char* bad : {"db", ":1.2.3.4", "db:", "a b:1.2.3.4", "db:1\n2"}) {
    CAPTURE(bad);
    options.add_hosts = {bad};
    CHECK_THROWS_AS(make_hosts("", options, record), base::Error);
  }
}
