#include <doctest/doctest.h>

#include "base/error.hpp"
#include "engine/detach_keys.hpp"

using engine::DetachScanner;
using engine::parse_detach_keys;

TEST_CASE("detach keys are characters and ctrl- combinations") {
  CHECK(parse_detach_keys("ctrl-p,ctrl-q") == "\x10\x11");
  CHECK(parse_detach_keys("a,ctrl-],z") == "a\x1dz");
  CHECK(parse_detach_keys("").empty());
  for (const char* bad : {"ctrl-", "ctrl-1", "xy", "ctrl-p,", "alt-x"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_detach_keys(bad), base::Error);
  }
}

TEST_CASE("the sequence is found in one piece and in several") {
  DetachScanner scanner{"\x10\x11"};
  std::string pass;
  CHECK_FALSE(scanner.scan("ab\x10", pass));
  CHECK(pass == "ab");
  CHECK(scanner.scan("\x11more", pass));
  CHECK(pass == "ab");
}

TEST_CASE("a beginning that is not continued goes to the container") {
  DetachScanner scanner{"\x10\x11"};
  std::string pass;
  CHECK_FALSE(scanner.scan("\x10x\x10\x10", pass));
  CHECK(pass == "\x10x\x10");
  CHECK(scanner.scan("\x11", pass));
}

TEST_CASE("without keys everything passes") {
  DetachScanner scanner{""};
  std::string pass;
  CHECK_FALSE(scanner.scan("\x10\x11", pass));
  CHECK(pass == "\x10\x11");
}
