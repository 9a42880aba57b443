#include <doctest/doctest.h>

#include "base/error.hpp"
#include "registry/short_names.hpp"

using registry::RegistriesConf;
using registry::short_name_candidates;
using Names = std::vector<std::string>;

TEST_CASE("without configuration a short name is an official image or Docker Hub's") {
  struct Row {
    const char* name;
    const char* full;
  };
  const std::string digest = "@sha256:" + std::string(64, 'b');
  const Row rows[] = {
      {"busybox", "docker.io/library/busybox:latest"},
      {"busybox:1.36", "docker.io/library/busybox:1.36"},
      {"fedora:40", "registry.fedoraproject.org/fedora:40"},
      {"me/tool", "docker.io/me/tool:latest"},
      {"quay.io/a/b", "quay.io/a/b:latest"},
      {"localhost/x", "localhost/x:latest"},
      {"localhost:5000/x:1", "localhost:5000/x:1"},
      {"docker.io/alpine", "docker.io/library/alpine:latest"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(short_name_candidates(row.name, {}) == Names{row.full});
  }
  CHECK(short_name_candidates("alpine" + digest, {}) == Names{"docker.io/library/alpine" + digest});
}

TEST_CASE("an alias of the configuration wins over the built-in one, and can take it back") {
  RegistriesConf conf;
  conf.aliases = {{"busybox", "quay.io/me/busybox"}, {"alpine", ""}, {"team/x", "quay.io/team/x"}};
  conf.unqualified_search = Names{"search.io"};
  CHECK(short_name_candidates("busybox:2", conf) == Names{"quay.io/me/busybox:2"});
  CHECK(short_name_candidates("team/x", conf) == Names{"quay.io/team/x:latest"});
  CHECK(short_name_candidates("alpine", conf) == Names{"search.io/alpine:latest"});
  CHECK(short_name_candidates("debian", conf) == Names{"docker.io/library/debian:latest"});
}

TEST_CASE("the search list is tried in order for what has no alias") {
  RegistriesConf conf;
  conf.unqualified_search = Names{"localhost:5000", "docker.io"};
  CHECK(short_name_candidates("tool:1", conf) == Names{"localhost:5000/tool:1", "docker.io/library/tool:1"});
  conf.short_name_mode = registry::ShortNameMode::disabled;
  CHECK(short_name_candidates("debian", conf) ==
        Names{"localhost:5000/debian:latest", "docker.io/library/debian:latest"});
}

TEST_CASE("enforcing mode refuses to guess, and lists what could be meant") {
  RegistriesConf conf;
  conf.unqualified_search = Names{"a.io", "b.io"};
  conf.short_name_mode = registry::ShortNameMode::enforcing;
  try {
    short_name_candidates("tool", conf);
    FAIL("it guessed");
  } catch (const base::Error& error) {
    CHECK(error.hint().find("a.io/tool:latest, b.io/tool:latest") != std::string::npos);
  }
  conf.unqualified_search = Names{"a.io"};
  CHECK(short_name_candidates("tool", conf) == Names{"a.io/tool:latest"});
}

TEST_CASE("a person is asked only where several names are possible") {
  RegistriesConf conf;
  CHECK(registry::short_name_choices("tool", conf).empty());
  conf.unqualified_search = Names{"a.io", "b.io"};
  CHECK(registry::short_name_choices("tool:1", conf) == Names{"a.io/tool:1", "b.io/tool:1"});
  CHECK(registry::short_name_choices("c.io/tool", conf).empty());
  CHECK(registry::short_name_choices("busybox", conf).empty());
  conf.aliases.emplace_back("tool", "c.io/tool");
  CHECK(registry::short_name_choices("tool:1", conf).empty());
  conf.aliases.clear();
  conf.short_name_mode = registry::ShortNameMode::disabled;
  CHECK(registry::short_name_choices("tool", conf).empty());
}

TEST_CASE("an alias that was chosen is added to those there are") {
  const auto add = [](std::string_view before, std::string_view name) {
    return registry::add_short_name_alias(before, "aliases", name, oci::Reference::parse("b.io/tool:7"));
  };
  CHECK(add("", "tool:7") == "[aliases]\n  \"tool\" = \"b.io/tool\"\n");
  CHECK(add("[aliases]\nz = \"c.io/z\"\ntool = \"c.io/tool\"\n", "tool") ==
        "[aliases]\n  \"tool\" = \"b.io/tool\"\n  \"z\" = \"c.io/z\"\n");
  CHECK_THROWS_AS(add("[aliases", "tool"), base::Error);
}

TEST_CASE("an empty search list, a search registry without a host and bad names are errors") {
  RegistriesConf conf;
  conf.unqualified_search = Names{};
  CHECK_THROWS_AS(short_name_candidates("tool", conf), base::Error);
  conf.unqualified_search = Names{"registry"};
  CHECK_THROWS_AS(short_name_candidates("tool", conf), base::Error);
  for (const char* bad : {"", "UPPER", "a//b", "../x", "x:", "x@sha256:12", "a b"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(short_name_candidates(bad, {}), base::Error);
  }
}
