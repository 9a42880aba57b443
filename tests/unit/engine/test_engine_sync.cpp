#include <doctest/doctest.h>

#include "base/error.hpp"
#include "engine/sync.hpp"
#include "engine/sync_list.hpp"
#include "engine/sync_versions.hpp"

using engine::chosen_tags;
using engine::parse_version;
using engine::SyncRepository;
using engine::VersionConstraint;

TEST_CASE("versions are ordered as semver.org says") {
  const char* ascending[] = {"0.9",
                             "1.0.0-alpha",
                             "1.0.0-alpha.1",
                             "1.0.0-alpha.beta",
                             "1.0.0-beta.2",
                             "1.0.0-beta.11",
                             "1.0.0-rc.1",
                             "v1.0.0",
                             "1.0.1",
                             "1.2",
                             "2"};
  for (std::size_t i = 0; i + 1 < std::size(ascending); ++i) {
    CAPTURE(ascending[i]);
    CHECK(compare(*parse_version(ascending[i]), *parse_version(ascending[i + 1])) < 0);
    CHECK(compare(*parse_version(ascending[i + 1]), *parse_version(ascending[i])) > 0);
  }
  CHECK(compare(*parse_version("1.2"), *parse_version("1.2.0+build.7")) == 0);
  for (const char* none : {"", "latest", "1.2.3.4", "1..2", "1.x", "v", "1.2-", "1.2-a_b"}) {
    CAPTURE(none);
    CHECK_FALSE(parse_version(none));
  }
}

TEST_CASE("conditions on versions") {
  struct Row {
    const char* constraint;
    const char* allowed;
    const char* refused;
  };
  const Row rows[] = {
      {"1.2.3", "1.2.3", "1.2.4"},
      {"=1.2", "1.2.9", "1.3.0"},
      {"1.x", "1.9", "2.0"},
      {"*", "7.1", "7.1-rc1"},
      {">= 1.2, < 2", "1.9.9", "2.0.0"},
      {">=1.2 <2", "1.2", "1.1.9"},
      {">1", "2.0", "1.5"},
      {"<=1.2", "1.2.7", "1.3"},
      {"!=1.2.3", "1.2.4", "1.2.3"},
      {"~1.2.3", "1.2.9", "1.3.0"},
      {"~1", "1.9", "2"},
      {"^1.2.3", "1.9", "1.2.2"},
      {"^0.2.3", "0.2.9", "0.3.0"},
      {"^0.0.3", "0.0.3", "0.0.4"},
      {"1.2 - 1.4", "1.4.9", "1.5"},
      {"<1 || >= 3", "3.1", "2.0"},
      {">=1.0.0-rc1", "1.0.0-rc2", "1.0.0-beta"},
      {"^1.2.0-rc1", "1.2.0-rc2", "2.0.0"},
      {">=1.0", "1.0", "2.0-rc1"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.constraint);
    const VersionConstraint constraint = VersionConstraint::parse(row.constraint);
    CHECK(constraint.allows(*parse_version(row.allowed)));
    CHECK_FALSE(constraint.allows(*parse_version(row.refused)));
  }
  for (const char* bad : {"", "||", "1 ||", "abc", ">> 1", "1.2.3.4", "><1", ">=1.2<2"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(VersionConstraint::parse(bad), base::Error);
  }
}

TEST_CASE("the list of sync is that of skopeo") {
  const auto list = engine::parse_sync_list(R"(
registry.example:
  images:
    team/app: []
    team/tool: ["1.0", 2, "sha256:0123"]
  images-by-tag-regex:
    team/web: ^1\.13\.[12]-alpine$
  images-by-semver:
    team/db: ">= 3.12, < 4"
  credentials: {username: ann, password: secret}
  tls-verify: false
  cert-dir: /certs
other.example:
  images:
    x:
)",
                                            "list.yaml");
  REQUIRE(list.size() == 2);
  const auto& first = list[0];
  CHECK(first.host == "registry.example");
  CHECK(first.user == "ann");
  CHECK(first.password == "secret");
  CHECK(first.tls_verify == false);
  CHECK(first.cert_dir == "/certs");
  REQUIRE(first.repositories.size() == 4);
  CHECK(first.repositories[0].choice == SyncRepository::Choice::all_tags);
  CHECK(first.repositories[1].names == std::vector<std::string>{"1.0", "2", "sha256:0123"});
  CHECK(chosen_tags(first.repositories[2], {"1.13.1-alpine", "1.13.3-alpine", "x1.13.1-alpine"}) ==
        std::vector<std::string>{"1.13.1-alpine"});
  CHECK(chosen_tags(first.repositories[3], {"latest", "3.12", "v3.19.1", "4.0", "3.13-rc1"}) ==
        std::vector<std::string>{"3.12", "v3.19.1"});
  CHECK(chosen_tags(first.repositories[0], {"a", "b"}).size() == 2);
  CHECK(list[1].repositories[0].choice == SyncRepository::Choice::all_tags);
}

TEST_CASE("what a list may not hold names its line") {
  const std::pair<const char*, const char*> rows[] = {
      {"a:\n  pictures: {}\n", "list.yaml:2: the key \"pictures\""},
      {"a:\n  images: [x]\n", "list.yaml:2: keys with values"},
      {"a:\n  images:\n    b: one\n", "list.yaml:3: a list of tags"},
      {"a:\n  tls-verify: maybe\n", "list.yaml:2: true or false"},
      {"a:\n  images-by-tag-regex:\n    b: \"(\"\n", "list.yaml:3: \"(\" is no regular"},
      {"a:\n  images-by-semver:\n    b: newest\n", "list.yaml:3: \"newest\" is no condition"},
      {"a:\n  credentials: {user: x}\n", "list.yaml:2: the key \"user\""},
      {"", "list.yaml lists no registry"},
  };
  for (const auto& [text, expected] : rows) {
    CAPTURE(text);
    try {
      engine::parse_sync_list(text, "list.yaml");
      FAIL("no error");
    } catch (const base::Error& error) {
      CHECK(error.message().substr(0, std::string_view{expected}.size()) == expected);
    }
  }
}

TEST_CASE("where a synced image goes") {
  engine::SyncOptions options;
  CHECK(engine::synced_name("r.example/mirror/", "quay.io/a/b", ":1", options) == "r.example/mirror/b:1");
  options.append_suffix = "-x";
  CHECK(engine::synced_name("r.example", "quay.io/a/b", ":1", options) == "r.example/b:1-x");
  CHECK(engine::synced_name("r.example", "quay.io/a/b", "@sha256:12", options) == "r.example/b@sha256:12");
  options.append_suffix.clear();
  options.scoped = true;
  CHECK(engine::synced_name("/srv", "quay.io/a/b", ":1", options) == "/srv/quay.io/a/b:1");
}
