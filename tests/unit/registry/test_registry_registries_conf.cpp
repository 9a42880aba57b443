#include <doctest/doctest.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "registry/registries_conf.hpp"

using oci::Reference;
using registry::find_registry;
using registry::pull_places;
using registry::RegistriesConf;

namespace {

RegistriesConf conf_of(std::initializer_list<const char*> files) {
  RegistriesConf conf;
  for (const char* text : files) registry::merge_registries_conf(conf, text, "/etc/containers/registries.conf");
  return conf;
}

std::vector<std::string> places(const RegistriesConf& conf, const char* name) {
  std::vector<std::string> texts;
  for (const registry::PullPlace& place : pull_places(conf, Reference::parse(name)))
    texts.push_back(place.reference.to_string() + (place.insecure ? " insecure" : ""));
  return texts;
}

std::string failure_of(const char* text) {
  try {
    conf_of({text});
  } catch (const base::Error& error) {
    return error.message();
  }
  return {};
}

}  // namespace

TEST_CASE("a registries.conf is read, and what is unknown in it skipped") {
  const RegistriesConf conf = conf_of({R"(
    unqualified-search-registries = ["quay.io", "https://docker.io/"]
    short-name-mode = "enforcing"
    credential-helpers = ["containers-auth.json"]
    additional-layer-store-auth-helper = 7
    [aliases]
    "web" = "quay.io/me/web"
    [[registry]]
    prefix = "a.io/x"
    location = "b.io/y"
    unknown = { some = "thing" }
  )"});
  REQUIRE(conf.unqualified_search);
  CHECK(*conf.unqualified_search == std::vector<std::string>{"quay.io", "docker.io"});
  CHECK(conf.short_name_mode == registry::ShortNameMode::enforcing);
  REQUIRE(conf.aliases.size() == 1);
  CHECK(conf.aliases[0].second == "quay.io/me/web");
  CHECK(places(conf, "a.io/x/z:1") == std::vector<std::string>{"b.io/y/z:1"});
}

TEST_CASE("the longest prefix wins, and it ends at a separator") {
  const RegistriesConf conf = conf_of({R"(
    [[registry]]
    location = "a.io"
    [[registry]]
    location = "a.io/team"
    insecure = true
    [[registry]]
    prefix = "*.b.io"
    insecure = true
    [[registry]]
    location = "docker.io/library/busybox"
    blocked = true
  )"});
  struct Row {
    const char* name;
    const char* prefix;  ///< Null: none.
  };
  const Row rows[] = {
      {"a.io/x", "a.io"},           {"a.io/team/x", "a.io/team"}, {"a.io/team", "a.io/team"},
      {"a.io/team:1", "a.io/team"}, {"a.io/teams", "a.io"},       {"aa.io/x", nullptr},
      {"x.b.io/y", "*.b.io"},       {"x.y.b.io/z", "*.b.io"},     {"b.io/y", nullptr},
      {"xb.io/y", nullptr},         {"x.b.io:5000/y", "*.b.io"},  {"busybox", "docker.io/library/busybox"},
      {"alpine", nullptr},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const registry::RegistryEntry* entry = find_registry(conf, Reference::parse(row.name));
    CHECK((entry == nullptr ? std::string{} : entry->prefix) == (row.prefix == nullptr ? "" : row.prefix));
  }
  CHECK(places(conf, "x.b.io/y") == std::vector<std::string>{"x.b.io/y:latest insecure"});
  CHECK_THROWS_AS(pull_places(conf, Reference::parse("busybox")), base::Error);
}

TEST_CASE("mirrors come first, each with its own trust and kind of name") {
  const RegistriesConf conf = conf_of({R"(
    [[registry]]
    location = "docker.io"
    [[registry.mirror]]
    location = "mirror.local:5000/hub"
    insecure = true
    [[registry.mirror]]
    location = "digests.local:5000"
    pull-from-mirror = "digest-only"
    [[registry.mirror]]
    location = "tags.local:5000"
    pull-from-mirror = "tag-only"
  )"});
  const std::string digest = "@sha256:" + std::string(64, 'a');
  CHECK(places(conf, "busybox") == std::vector<std::string>{"mirror.local:5000/hub/library/busybox:latest insecure",
                                                            "tags.local:5000/library/busybox:latest",
                                                            "docker.io/library/busybox:latest"});
  CHECK(places(conf, ("busybox" + digest).c_str()) ==
        std::vector<std::string>{"mirror.local:5000/hub/library/busybox" + digest + " insecure",
                                 "digests.local:5000/library/busybox" + digest, "docker.io/library/busybox" + digest});
}

TEST_CASE("a mirror without a host in its name is not taken for a repository of Docker Hub") {
  const RegistriesConf conf = conf_of({"[[registry]]\nlocation = \"a.io\"\n[[registry.mirror]]\nlocation = \"cache\""});
  CHECK_THROWS_AS(pull_places(conf, Reference::parse("a.io/x")), base::Error);
}

TEST_CASE("a later file replaces tables with the same prefix, aliases and lists") {
  const RegistriesConf conf = conf_of({R"(
    unqualified-search-registries = ["one.io"]
    [aliases]
    a = "one.io/a"
    b = "one.io/b"
    [[registry]]
    location = "one.io"
    insecure = true
    [[registry]]
    location = "other.io"
    insecure = true
  )",
                                       R"(
    unqualified-search-registries = ["two.io"]
    [aliases]
    a = "two.io/a"
    b = ""
    [[registry]]
    location = "one.io"
  )"});
  CHECK(*conf.unqualified_search == std::vector<std::string>{"two.io"});
  CHECK(conf.aliases == std::vector<std::pair<std::string, std::string>>{{"a", "two.io/a"}, {"b", ""}});
  CHECK(places(conf, "one.io/x") == std::vector<std::string>{"one.io/x:latest"});
  CHECK(places(conf, "other.io/x") == std::vector<std::string>{"other.io/x:latest insecure"});
}

TEST_CASE("a broken file is named with its line") {
  struct Row {
    const char* text;
    const char* start;
  };
  const Row rows[] = {
      {"\n\nx = [", "/etc/containers/registries.conf:3: "},
      {"unqualified-search-registries = \"a\"", "/etc/containers/registries.conf:1: unqualified-search-registries is"},
      {"\nshort-name-mode = \"maybe\"", "/etc/containers/registries.conf:2: short-name-mode is"},
      {"[[registry]]\ninsecure = \"yes\"\nlocation = \"a.io\"", "/etc/containers/registries.conf:2: insecure is"},
      {"[registry]\nlocation = \"a\"", "/etc/containers/registries.conf:1: registry is"},
      {"[[registry]]\nblocked = true", "/etc/containers/registries.conf:1: a registry with neither"},
      {"[[registry]]\nprefix = \"a*.io\"", "/etc/containers/registries.conf:1: only"},
      {"[[registry]]\nprefix = \"*.a.io/x\"", "/etc/containers/registries.conf:1: a wildcard"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const std::string message = failure_of(row.text);
    CAPTURE(message);
    CHECK(message.substr(0, std::string{row.start}.size()) == row.start);
    CHECK(message.find('\n') == std::string::npos);
  }
}

TEST_CASE("files that do not exist are skipped when loading") {
  const base::TempDir dir;
  base::write_file_atomically(dir.fd(), "b.conf", "short-name-mode = \"disabled\"", base::Durability::volatile_);
  const RegistriesConf conf = registry::load_registries_conf({dir.path() + "/a.conf", dir.path() + "/b.conf"});
  CHECK(conf.short_name_mode == registry::ShortNameMode::disabled);
  CHECK_FALSE(conf.unqualified_search);
}

TEST_CASE("a NUL byte and version 1 are refused") {
  for (const std::string& bad :
       {std::string("[\0", 2), std::string("[\\x]"), std::string("[registries.search]\nregistries = [\"a.io\"]\n")}) {
    registry::RegistriesConf conf;
    CHECK_THROWS_AS(registry::merge_registries_conf(conf, bad, "registries.conf"), base::Error);
  }
}
