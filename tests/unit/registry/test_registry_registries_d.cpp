#include <doctest/doctest.h>

#include "base/error.hpp"
#include "registry/registries_d.hpp"

using registry::LookasideUse;
using registry::RegistriesD;

namespace {

RegistriesD parse(const char* yaml) {
  RegistriesD conf;
  registry::merge_registries_d(conf, yaml, "test.yaml");
  return conf;
}

std::string reading(const RegistriesD& conf, const char* name) {
  return registry::lookaside_url(conf, oci::Reference::parse(name), LookasideUse::reading);
}

}  // namespace

TEST_CASE("the most specific section with a lookaside decides") {
  const RegistriesD conf = parse(
      "default-docker:\n  lookaside: file:///all\n"
      "docker:\n"
      "  a.io:\n    lookaside: https://a/\n"
      "  a.io/team:\n    sigstore: https://team\n"
      "  a.io/team/app:1:\n    lookaside: https://one\n    sigstore: https://old\n"
      "  '*.org':\n    lookaside: https://org\n"
      "  b.io:\n    use-sigstore-attachments: true\n");
  CHECK(reading(conf, "a.io/team/app:1") == "https://one/team/app");
  CHECK(reading(conf, "a.io/team/app:2") == "https://team/team/app");
  CHECK(reading(conf, "a.io/other") == "https://a/other");
  CHECK(reading(conf, "x.y.org/z") == "https://org/z");
  CHECK(reading(conf, "b.io/app") == "file:///all/app");
  CHECK(reading(conf, "c.io/app") == "file:///all/app");
  CHECK(reading({}, "c.io/app").empty());
  CHECK(registry::uses_attachments(conf, oci::Reference::parse("b.io/app")) == true);
  CHECK_FALSE(registry::uses_attachments(conf, oci::Reference::parse("a.io/app")).has_value());
}

TEST_CASE("signatures are written to the staging place where there is one") {
  const RegistriesD conf = parse(
      "docker:\n  a.io:\n    lookaside: https://a\n    lookaside-staging: file:///a\n"
      "  b.io:\n    lookaside: file:///b\n");
  CHECK(registry::lookaside_url(conf, oci::Reference::parse("a.io/x"), LookasideUse::writing) == "file:///a/x");
  CHECK(registry::lookaside_url(conf, oci::Reference::parse("b.io/x"), LookasideUse::writing) == "file:///b/x");
}

TEST_CASE("a file of registries.d that makes no sense is refused") {
  for (const char* yaml : {"- a", "other: 1", "docker: 1", "docker:\n  a.io: 1", "docker:\n  a.io:\n    lookasside: x",
                           "default-docker:\n  lookaside: [1]", "default-docker:\n  use-sigstore-attachments: maybe",
                           "docker:\n  a.io: {}\n  a.io: {}"}) {
    CAPTURE(yaml);
    CHECK_THROWS_AS(parse(yaml), base::Error);
  }
  RegistriesD conf = parse("default-docker: {lookaside: 'file:///a'}\ndocker: {a.io: {}}");
  CHECK_THROWS_AS(registry::merge_registries_d(conf, "default-docker: {}", "two.yaml"), base::Error);
  CHECK_THROWS_AS(registry::merge_registries_d(conf, "docker: {a.io: {}}", "two.yaml"), base::Error);
  registry::merge_registries_d(conf, "", "empty.yaml");
}
