#include <doctest/doctest.h>

#include "base/error.hpp"
#include "registry/policy.hpp"

using registry::find_requirements;
using registry::is_identity_accepted;
using registry::parse_policy;
using registry::policy_scopes;
using Kind = registry::PolicyRequirement::Kind;
using Identity = registry::SignedIdentity;

namespace {

const std::string accept = R"([{"type":"insecureAcceptAnything"}])";
const std::string reject = R"([{"type":"reject"}])";

oci::Reference reference(const std::string& text) {
  return oci::Reference::parse(text);
}

}  // namespace

TEST_CASE("the most specific scope decides alone") {
  const registry::Policy policy = parse_policy(R"({"default":)" + reject + R"(,"transports":{"docker":{
    "quay.io/team/app:1":)" + accept + R"(,"quay.io/team":)" +
                                                   reject + R"(,"quay.io":)" + accept + R"(,"*.example.com":)" +
                                                   accept + R"(},"oci":{"":)" + accept + "}}}",
                                               "policy.json");
  const auto found = [&](const std::string& name) {
    const auto result = find_requirements(policy, "docker", policy_scopes(reference(name)));
    return (result.requirements->front().kind == Kind::accept ? "+" : "-") + result.scope;
  };
  CHECK(found("quay.io/team/app:1") == "+docker:quay.io/team/app:1");
  CHECK(found("quay.io/team/app:2") == "-docker:quay.io/team");
  CHECK(found("quay.io/teams/app:2") == "+docker:quay.io");
  CHECK(found("quay.io:443/team/app") == "-default");
  CHECK(found("a.b.example.com/x") == "+docker:*.example.com");
  CHECK(found("example.com/x") == "-default");
  CHECK(found("evilexample.com/x") == "-default");
  CHECK(find_requirements(policy, "oci", policy_scopes("/a/b", "tag")).scope == "oci:");
  CHECK(find_requirements(policy, "dir", policy_scopes("/a/b", "")).scope == "default");
}

TEST_CASE("scopes go from the image to its registry") {
  CHECK(policy_scopes(reference("a.b.io:5000/x/y:1")) ==
        std::vector<std::string>{"a.b.io:5000/x/y:1", "a.b.io:5000/x/y", "a.b.io:5000/x", "a.b.io:5000", "*.b.io:5000",
                                 "*.io:5000"});
  CHECK(policy_scopes("/a/b", "1") == std::vector<std::string>{"/a/b:1", "/a/b", "/a"});
}

TEST_CASE("a policy with anything unknown, missing or double is no policy") {
  for (const std::string& bad :
       {std::string{""}, std::string{"{}"}, std::string{R"({"default":[]})"},
        R"({"default":)" + accept + R"(,"more":1})", R"({"default":)" + accept + R"(,"default":)" + reject + "}",
        std::string{R"({"default":[{"type":"accept"}]})"}, std::string{R"({"default":[{"type":"reject","x":1}]})"},
        std::string{R"({"default":[{"type":"sigstoreSigned"}]})"},
        std::string{R"({"default":[{"type":"sigstoreSigned","keyPath":"/a","keyData":"YQ=="}]})"},
        std::string{R"({"default":[{"type":"sigstoreSigned","keyData":"?"}]})"},
        std::string{R"({"default":[{"type":"sigstoreSigned","keyPath":"/a","signedIdentity":{"type":"any"}}]})"},
        R"({"default":)" + accept + R"(,"transports":{"docker":{"x":[]}}})"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_policy(bad, "policy.json"), base::Error);
  }
}

TEST_CASE("what is not supported is never accepted") {
  const registry::Policy policy = parse_policy(
      R"({"default":[{"type":"signedBy","keyType":"X509Certificates","keyPath":"/a"},
      {"type":"sigstoreSigned","keyPath":"/a","rekorPublicKeyPath":"/b"},{"type":"sigstoreSigned","fulcio":{}}]})",
      "policy.json");
  REQUIRE(policy.fallback.size() == 3);
  for (const registry::PolicyRequirement& requirement : policy.fallback) CHECK(requirement.kind == Kind::not_supported);
}

TEST_CASE("keys of GPG are in one file, in several, or in the policy itself") {
  const registry::Policy policy = parse_policy(
      R"({"default":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"/a"},
      {"type":"signedBy","keyType":"GPGKeys","keyPaths":["/a","/b"]},
      {"type":"signedBy","keyType":"GPGKeys","keyData":"YWJj"}]})",
      "policy.json");
  REQUIRE(policy.fallback.size() == 3);
  for (const registry::PolicyRequirement& requirement : policy.fallback) CHECK(requirement.kind == Kind::gpg_signed);
  CHECK(policy.fallback[1].key_paths == std::vector<std::string>{"/a", "/b"});
  CHECK(policy.fallback[2].key_texts == std::vector<std::string>{"abc"});
  for (const char* bad : {R"({"default":[{"type":"signedBy","keyType":"GPGKeys"}]})",
                          R"({"default":[{"type":"signedBy","keyPath":"/a"}]})",
                          R"({"default":[{"type":"signedBy","keyType":"other","keyPath":"/a"}]})",
                          R"({"default":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"/a","keyData":"YQ=="}]})"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_policy(bad, "policy.json"), base::Error);
  }
}

TEST_CASE("an image without a name of a registry is only what the policy names") {
  CHECK(is_identity_accepted({Identity::Kind::given_reference, "a.io/b:1", {}}, "a.io/b:1", std::nullopt));
  CHECK(is_identity_accepted({Identity::Kind::given_repository, "a.io/b", {}}, "a.io/b:2", std::nullopt));
  for (const auto kind : {Identity::Kind::exact, Identity::Kind::repository, Identity::Kind::repository_for_digests,
                          Identity::Kind::remapped})
    CHECK_FALSE(is_identity_accepted({kind, {}, {}}, "a.io/b:1", std::nullopt));
}

TEST_CASE("a signature counts only for the name that the policy asks for") {
  const std::string digest = "@sha256:" + std::string(64, 'a');
  struct Row {
    Identity identity;
    std::string claimed, image;
    bool is_accepted;
  };
  const Row rows[] = {
      {{Identity::Kind::exact, "", ""}, "a.io/x:1", "a.io/x:1", true},
      {{Identity::Kind::exact, "", ""}, "a.io/x:2", "a.io/x:1", false},
      {{Identity::Kind::exact, "", ""}, "a.io/x:1", "a.io/x" + digest, false},
      {{}, "a.io/x:1", "a.io/x:1", true},
      {{}, "a.io/x", "a.io/x:latest", false},
      {{}, "a.io/x:1", "a.io/x" + digest, true},
      {{}, "a.io/y:1", "a.io/x" + digest, false},
      {{}, "x", "docker.io/library/x:latest", false},
      {{Identity::Kind::repository, "", ""}, "a.io/x", "a.io/x:9", true},
      {{Identity::Kind::repository, "", ""}, "a.io/x/y", "a.io/x:9", false},
      {{Identity::Kind::given_reference, "b.io/x:1", ""}, "b.io/x:1", "a.io/x:1", true},
      {{Identity::Kind::given_reference, "b.io/x:1", ""}, "b.io/x:2", "a.io/x:1", false},
      {{Identity::Kind::given_repository, "b.io/x", ""}, "b.io/x:7", "a.io/x:1", true},
      {{Identity::Kind::remapped, "mirror.io/a", "a.io"}, "a.io/x:1", "mirror.io/a/x:1", true},
      {{Identity::Kind::remapped, "mirror.io/a", "a.io"}, "mirror.io/a/x:1", "mirror.io/a/x:1", false},
      {{Identity::Kind::remapped, "mirror.io/a", "a.io"}, "mirror.io/ab/x:1", "mirror.io/ab/x:1", true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.claimed);
    CAPTURE(row.image);
    CHECK(is_identity_accepted(row.identity, row.claimed, reference(row.image)) == row.is_accepted);
  }
}
