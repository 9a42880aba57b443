#include <doctest/doctest.h>

#include "base/error.hpp"
#include "base/oci/platform.hpp"

using oci::choose_platform;
using oci::parse_platform;
using oci::Platform;

TEST_CASE("platforms are normalised") {
  struct Case {
    const char* text;
    const char* full;
  };
  for (const Case& one :
       {Case{"linux/amd64", "linux/amd64"}, Case{"amd64", "linux/amd64"}, Case{"x86_64", "linux/amd64"},
        Case{"linux/x86-64", "linux/amd64"}, Case{"aarch64", "linux/arm64"}, Case{"linux/arm64/v8", "linux/arm64"},
        Case{"linux/arm64/8", "linux/arm64"}, Case{"arm", "linux/arm/v7"}, Case{"armhf", "linux/arm/v7"},
        Case{"armel", "linux/arm/v6"}, Case{"linux/arm/v6", "linux/arm/v6"}, Case{"linux/arm/5", "linux/arm/v5"},
        Case{"Linux/AMD64", "linux/amd64"}, Case{"i386", "linux/386"}, Case{"windows/amd64", "windows/amd64"},
        Case{"macos/arm64", "darwin/arm64"}, Case{"riscv64", "linux/riscv64"},
        Case{"linux/amd64/v3", "linux/amd64/v3"}}) {
    CAPTURE(one.text);
    CHECK(parse_platform(one.text).to_string() == one.full);
  }
  CHECK(parse_platform("linux") == oci::host_platform());
}

TEST_CASE("what is no platform is refused") {
  for (const char* bad :
       {"", "/", "linux/", "/amd64", "linux//v7", "linux/arm/v7/x", "z80", "linux/a b", "linux/../x"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_platform(bad), base::Error);
  }
}

TEST_CASE("the best entry of an index is chosen") {
  const std::vector<std::optional<Platform>> offered = {Platform{"windows", "amd64", ""},
                                                        Platform{"linux", "arm", "v5"},
                                                        Platform{"linux", "arm", "v7"},
                                                        Platform{"linux", "arm64", "v8"},
                                                        Platform{"linux", "amd64", ""},
                                                        Platform{"unknown", "unknown", ""},
                                                        std::nullopt,
                                                        Platform{"linux", "amd64", "v2"},
                                                        Platform{"linux", "amd64", ""}};
  const auto choose = [&](const char* wanted) { return choose_platform(offered, parse_platform(wanted)); };
  CHECK(choose("linux/amd64") == 4);
  CHECK(choose("linux/amd64/v3") == 7);
  CHECK(choose("linux/arm64") == 3);
  CHECK(choose("linux/arm/v7") == 2);
  CHECK(choose("linux/arm/v6") == 1);
  CHECK(choose("windows/amd64") == 0);
  CHECK(choose("linux/s390x") == std::nullopt);
}

TEST_CASE("a single entry without a platform is taken, a wrong one is not") {
  CHECK(choose_platform({std::nullopt}, parse_platform("amd64")) == 0);
  CHECK(choose_platform({Platform{"linux", "arm64", ""}}, parse_platform("amd64")) == std::nullopt);
  CHECK(choose_platform({}, parse_platform("amd64")) == std::nullopt);
}
