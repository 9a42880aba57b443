#include <doctest/doctest.h>

#include "base/error.hpp"
#include "base/oci/reference.hpp"

using oci::Reference;

namespace {

const std::string digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct Good {
  std::string text;
  std::string full;
};

const Good good_names[] = {
    {"alpine", "docker.io/library/alpine:latest"},
    {"alpine:3.19", "docker.io/library/alpine:3.19"},
    {"library/alpine", "docker.io/library/alpine:latest"},
    {"user/app", "docker.io/user/app:latest"},
    {"a", "docker.io/library/a:latest"},
    {"1", "docker.io/library/1:latest"},
    {"docker.io/alpine", "docker.io/library/alpine:latest"},
    {"docker.io/library/alpine", "docker.io/library/alpine:latest"},
    {"index.docker.io/alpine", "docker.io/library/alpine:latest"},
    {"index.docker.io/user/app:1", "docker.io/user/app:1"},
    {"quay.io/podman/stable:v5", "quay.io/podman/stable:v5"},
    {"quay.io/x", "quay.io/x:latest"},
    {"localhost/x", "localhost/x:latest"},
    {"localhost:5000/x", "localhost:5000/x:latest"},
    {"localhost:5000/x:y", "localhost:5000/x:y"},
    {"localhost:5000", "docker.io/library/localhost:5000"},
    {"host:5000/a/b/c", "host:5000/a/b/c:latest"},
    {"127.0.0.1:5000/x", "127.0.0.1:5000/x:latest"},
    {"[::1]:5000/x", "[::1]:5000/x:latest"},
    {"[fd00:1::a]/x:t", "[fd00:1::a]/x:t"},
    {"Registry.Example.COM/x", "Registry.Example.COM/x:latest"},
    {"UPPER/x", "UPPER/x:latest"},
    {"registry/x", "docker.io/registry/x:latest"},
    {"a.b/c_d/e__f/g.h/i-j/k---l", "a.b/c_d/e__f/g.h/i-j/k---l:latest"},
    {"x:_tag", "docker.io/library/x:_tag"},
    {"x:T.a-g_9", "docker.io/library/x:T.a-g_9"},
    {"x:" + std::string(128, 't'), "docker.io/library/x:" + std::string(128, 't')},
    {"x@" + digest, "docker.io/library/x@" + digest},
    {"x:1@" + digest, "docker.io/library/x:1@" + digest},
    {"quay.io/a/b@" + digest, "quay.io/a/b@" + digest},
    {"a.b/" + std::string(251, 'x'), "a.b/" + std::string(251, 'x') + ":latest"},
    {std::string(63, 'a'), "docker.io/library/" + std::string(63, 'a') + ":latest"},
};

const std::string bad_names[] = {
    "",
    ":",
    "/",
    "//",
    "@",
    "Alpine",
    "user/App",
    "docker.io/User/app",
    "a//b",
    "a/",
    "/a",
    "a/b/",
    "name:",
    "name:tag:tag",
    "name: tag",
    "name:-tag",
    "name:.tag",
    "name:" + std::string(129, 't'),
    "name:täg",
    "name@",
    "name@sha256:12",
    "name@" + digest + "0",
    "name@sha512:" + std::string(128, 'a'),
    "name@" + digest + "@" + digest,
    "name@SHA256:" + std::string(64, 'a'),
    "@" + digest,
    ":tag",
    "a.b/",
    "a.b/:tag",
    "a___b",
    "a..b",
    "a.-b",
    "-a",
    "a-",
    "_a",
    "a_",
    ".a",
    "a.",
    "a b",
    "a\nb",
    std::string("a\0b", 3),
    "../../etc/passwd",
    "a/../b",
    "a/./b",
    "quay.io/../x",
    "quay.io/./x",
    "-host.com/x",
    "host-.com/x",
    "host..com/x",
    "host:/x",
    "host:port/x",
    "host:50:50/x",
    "[::1/x",
    "[zz]:1/x",
    "[]/x",
    "[::1]x/y",
    "http://quay.io/x",
    "docker://alpine",
    "a$b",
    "a%2fb",
    "été",
    digest,
    std::string(64, 'a'),
    "a.b/" + std::string(252, 'x'),
};

}  // namespace

TEST_CASE("names that the grammar allows are normalised as docker does") {
  for (const Good& name : good_names) {
    CAPTURE(name.text);
    CHECK(Reference::parse(name.text).to_string() == name.full);
    CHECK(Reference::parse(name.full).to_string() == name.full);
  }
}

TEST_CASE("what the grammar forbids is refused") {
  for (const std::string& name : bad_names) {
    CAPTURE(name);
    CHECK_THROWS_AS(Reference::parse(name), base::Error);
  }
}

TEST_CASE("the parts of a reference can be asked for") {
  const Reference reference = Reference::parse("localhost:5000/a/b:t@" + digest);
  CHECK(reference.domain() == "localhost:5000");
  CHECK(reference.path() == "a/b");
  CHECK(reference.tag() == "t");
  CHECK(reference.digest()->text() == digest);
  CHECK(reference.repository() == "localhost:5000/a/b");
  CHECK(reference.name_and_tag() == "localhost:5000/a/b:t");
  CHECK(Reference::parse("x@" + digest).tag() == "");
  CHECK(Reference::parse("x").with_digest(base::Digest::parse(digest)).to_string() ==
        "docker.io/library/x:latest@" + digest);
  CHECK(Reference::parse("x").with_tag("2").to_string() == "docker.io/library/x:2");
  CHECK_THROWS_AS(Reference::parse("x").with_tag("a/b"), base::Error);
}

TEST_CASE("only a name with a registry in it is qualified") {
  for (const char* name : {"quay.io/x", "localhost/x", "host:5000/x", "a.b/c", "UPPER/x"})
    CHECK(Reference::is_qualified(name));
  for (const char* name : {"alpine", "alpine:3.19", "user/x", "localhost", "host:5000"})
    CHECK_FALSE(Reference::is_qualified(name));
}
