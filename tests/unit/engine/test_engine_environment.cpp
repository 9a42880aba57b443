#include <doctest/doctest.h>

#include "base/error.hpp"
#include "engine/environment.hpp"

using engine::apply_env_file;
using engine::apply_env_word;
using engine::Environment;

namespace {
const std::vector<std::string> host{"A=host", "APP_ONE=1", "APP_TWO=2", "EMPTY="};
}

TEST_CASE("a later value replaces an earlier one and keeps its place") {
  Environment environment;
  for (const char* word : {"A=1", "B=2", "A=3"}) apply_env_word(environment, word, host);
  CHECK(environment.assignments() == std::vector<std::string>{"A=3", "B=2"});
}

TEST_CASE("a bare name is copied from the host, a name with a star copies all that begin so") {
  Environment environment;
  apply_env_word(environment, "A", host);
  apply_env_word(environment, "ABSENT", host);
  apply_env_word(environment, "APP_*", host);
  apply_env_word(environment, "EMPTY", host);
  CHECK(environment.assignments() == std::vector<std::string>{"A=host", "APP_ONE=1", "APP_TWO=2", "EMPTY="});
}

TEST_CASE("a variable without a name is refused") {
  Environment environment;
  for (const char* bad : {"", "=x", "*"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(apply_env_word(environment, bad, host), base::Error);
  }
}

TEST_CASE("an env file has literal values, comments, and names to copy") {
  Environment environment;
  apply_env_file(environment, "# comment\n\n  X=\"quoted\" # kept\nA\nY=a=b\r\n", "file", host);
  CHECK(environment.get("X") == "\"quoted\" # kept");
  CHECK(environment.get("A") == "host");
  CHECK(environment.get("Y") == "a=b");
}

TEST_CASE("an error in an env file names the line") {
  Environment environment;
  CHECK_THROWS_WITH_AS(apply_env_file(environment, "A=1\nmy var=2\n", "vars.env", host),
                       "vars.env:2: variable name \"my var\" contains white space", base::Error);
}

TEST_CASE("a value with a line end stays one variable") {
  Environment environment;
  apply_env_word(environment, "HOME=x\nr:x:0:0::/:/bin/sh", host);
  CHECK(environment.assignments().size() == 1);
}
