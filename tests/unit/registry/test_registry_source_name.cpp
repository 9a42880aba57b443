#include <doctest/doctest.h>

#include "base/error.hpp"
#include "registry/open_source.hpp"

TEST_CASE("a transport prefix is told from a name with a tag or port") {
  struct Row {
    const char* text;
    const char* transport;
    const char* rest;
  };
  const Row rows[] = {
      {"busybox", "docker", "busybox"},
      {"busybox:latest", "docker", "busybox:latest"},
      {"docker:dind", "docker", "docker:dind"},
      {"localhost:5000/x:1", "docker", "localhost:5000/x:1"},
      {"quay.io/a/b@sha256:00", "docker", "quay.io/a/b@sha256:00"},
      {"docker://quay.io/a/b", "docker", "quay.io/a/b"},
      {"oci:/tmp/x:tag", "oci", "/tmp/x:tag"},
      {"oci:x", "oci", "x"},
      {"oci-archive:x.tar:a/b:1", "oci-archive", "x.tar:a/b:1"},
      {"docker-archive:/x.tar", "docker-archive", "/x.tar"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const registry::SourceName name = registry::parse_source_name(row.text);
    CHECK(name.transport == row.transport);
    CHECK(name.rest == row.rest);
  }
}

TEST_CASE("what is no image source is refused with a hint") {
  for (const char* bad :
       {"http://quay.io/x", "https://quay.io/x", "foo://bar", "docker-daemon:x", "containers-storage:x"}) {
    CAPTURE(bad);
    try {
      registry::parse_source_name(bad);
      FAIL("not refused");
    } catch (const base::Error& error) {
      CHECK_FALSE(error.hint().empty());
    }
  }
  for (const char* bad : {"", "oci:", "oci::tag", "docker://"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(registry::parse_source_name(bad), base::Error);
  }
}
