#include <doctest/doctest.h>

#include "base/error.hpp"
#include "registry/private_address.hpp"
#include "registry/url.hpp"

using registry::parse_url;
using registry::resolve_location;

TEST_CASE("URLs are taken apart, and put together without their default port") {
  struct Row {
    const char* text;
    const char* origin;
    const char* target;
  };
  const Row rows[] = {
      {"https://quay.io", "https://quay.io", "/"},
      {"HTTPS://Quay.IO:443/v2/", "https://quay.io", "/v2/"},
      {"http://localhost:5000/v2/a?b=c#d", "http://localhost:5000", "/v2/a?b=c"},
      {"http://h:80", "http://h", "/"},
      {"https://h?x=1", "https://h", "/?x=1"},
      {"https://[::1]:5000/x", "https://[::1]:5000", "/x"},
      {"https://[fe80::1]/x", "https://[fe80::1]", "/x"},
      {"https://127.0.0.1/x", "https://127.0.0.1", "/x"},
      {"https://my_host-1.example/x", "https://my_host-1.example", "/x"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const registry::Url url = parse_url(row.text);
    CHECK(url.origin() == row.origin);
    CHECK(url.target == row.target);
  }
}

TEST_CASE("URLs that could mean something else than they say are refused") {
  for (const std::string& bad : {std::string{""},
                                 std::string{"quay.io"},
                                 std::string{"ftp://h/"},
                                 std::string{"file:///etc/passwd"},
                                 std::string{"https://"},
                                 std::string{"https://user@h/"},
                                 std::string{"https://user:pass@h/"},
                                 std::string{"https://h:0/"},
                                 std::string{"https://h:65536/"},
                                 std::string{"https://h:/"},
                                 std::string{"https://h:5000x/"},
                                 std::string{"https://h /"},
                                 std::string{"https://h/a b"},
                                 std::string{"https://h/a\r\nX: y"},
                                 std::string{"https://h/\0", 11},
                                 std::string{"https://h\\@evil/"},
                                 std::string{"https://127.1/"},
                                 std::string{"https://2130706433/"},
                                 std::string{"https://0x7f.0.0.1/"},
                                 std::string{"https://0x7f000001/"},
                                 std::string{"https://127.0.0.01/"},
                                 std::string{"https://[::1/"},
                                 std::string{"https://[::g]/"},
                                 std::string{"https://h\xc3\xa9/"},
                                 std::string{"https://a%2eb/"},
                                 "https://h/" + std::string(9000, 'a')}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_url(bad), base::Error);
  }
}

TEST_CASE("a Location is resolved against where it came from") {
  const registry::Url base = parse_url("https://h:5000/v2/a/blobs/x?y=1");
  struct Row {
    const char* location;
    const char* result;
  };
  const Row rows[] = {
      {"https://cdn.example/z", "https://cdn.example/z"},
      {"//cdn.example/z", "https://cdn.example/z"},
      {"/z?q", "https://h:5000/z?q"},
      {"z", "https://h:5000/v2/a/blobs/z"},
      {"?q=2", "https://h:5000/v2/a/blobs/x?q=2"},
      {"http://h/", "http://h/"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.location);
    CHECK(resolve_location(base, row.location).text() == row.result);
  }
  for (const char* bad : {"", "ftp://h/", "javascript:alert(1)", "/a\nb", "https://u@h/", "//u:p@h/"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(resolve_location(base, bad), base::Error);
  }
}

TEST_CASE("hosts that only this machine or link can mean are known") {
  for (const char* local : {"localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.169.254", "[::1]",
                            "[::]", "[fe80::1]", "[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]"}) {
    CAPTURE(local);
    CHECK(registry::is_local_host(local));
  }
  for (const char* other :
       {"quay.io", "10.0.0.1", "localhost.example.com", "notlocalhost", "[2001:db8::1]", "8.8.8.8"}) {
    CAPTURE(other);
    CHECK_FALSE(registry::is_local_host(other));
  }
}

TEST_CASE("origins differ by scheme, host and port") {
  const registry::Url url = parse_url("https://h/a");
  CHECK(url.same_origin(parse_url("https://h:443/b")));
  for (const char* other : {"http://h/a", "https://h:444/a", "https://g/a", "http://h:443/a"}) {
    CAPTURE(other);
    CHECK_FALSE(url.same_origin(parse_url(other)));
  }
}

TEST_CASE("query values are percent-encoded") {
  CHECK(registry::percent_encode("repository:a/b:pull") == "repository%3aa%2fb%3apull");
  CHECK(registry::percent_encode("a-b._~9Z&= \n") == "a-b._~9Z%26%3d%20%0a");
}

TEST_CASE("which addresses are private") {
  for (const char* address : {"127.0.0.1", "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "169.254.169.254",
                              "172.16.0.1", "172.31.255.255", "192.168.1.1", "::1", "[::1]", "::", "fe80::1", "fc00::1",
                              "fd12::1", "::ffff:10.0.0.1", "[::ffff:127.0.0.1]"}) {
    CAPTURE(address);
    CHECK(registry::is_private_address(std::string_view{address}));
  }
  for (const char* address :
       {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1",
        "192.167.1.1", "203.0.113.7", "2001:db8::1", "::ffff:8.8.8.8", "registry.example", "", "10.1"}) {
    CAPTURE(address);
    CHECK_FALSE(registry::is_private_address(std::string_view{address}));
  }
}
