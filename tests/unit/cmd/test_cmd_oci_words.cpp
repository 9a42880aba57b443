#include <doctest/doctest.h>

#include "base/error.hpp"
#include "cmd/oci_state.hpp"
#include "cmd/oci_words.hpp"

namespace {

const std::vector<cmd::OciOption> options = {{"bundle", 'b', "DIR"},
                                             {"force", 'f'},
                                             {"detach", 'd'},
                                             {"env", 'e', "NAME=VALUE"},
                                             {"format", '\0', "table|json"}};

}  // namespace

TEST_CASE("the OCI command line is split as runc splits it") {
  struct Row {
    std::vector<std::string> words;
    std::string bundle;
    bool force;
    std::vector<std::string> rest;
  };
  const Row table[] = {
      {{"id"}, "", false, {"id"}},
      {{"-b", "x", "id"}, "x", false, {"id"}},
      {{"--bundle", "x", "id"}, "x", false, {"id"}},
      {{"--bundle=x", "id"}, "x", false, {"id"}},
      {{"-bundle", "x", "id"}, "x", false, {"id"}},
      {{"-b=x", "id"}, "x", false, {"id"}},
      {{"id", "-b", "x"}, "x", false, {"id"}},
      {{"--force", "id"}, "", true, {"id"}},
      {{"--force=true", "id"}, "", true, {"id"}},
      {{"--force=false", "id"}, "", false, {"id"}},
      {{"-f", "-b", "1", "-b", "2", "id"}, "2", true, {"id"}},
      {{"--", "-f"}, "", false, {"-f"}},
      {{"-", "id"}, "", false, {"-", "id"}},
      {{"--bundle=", "id"}, "", false, {"id"}},
      {{"-df", "id"}, "", true, {"id"}},
  };
  for (const Row& row : table) {
    CAPTURE(base::join(row.words, " "));
    const cmd::OciWords words = cmd::split_oci_words(options, row.words, false);
    CHECK(words.value_or("bundle", "") == row.bundle);
    CHECK(words.has("force") == row.force);
    CHECK(words.words == row.rest);
  }
}

TEST_CASE("options behind the first word can belong to another command") {
  const cmd::OciWords words = cmd::split_oci_words(options, {"-f", "id", "ls", "-b"}, true);
  CHECK(words.has("force"));
  CHECK(words.words == std::vector<std::string>{"id", "ls", "-b"});
}

TEST_CASE("an option may be given several times") {
  CHECK(cmd::split_oci_words(options, {"-e", "A=1", "--env=B=2"}, false).values("env") ==
        std::vector<std::string>{"A=1", "B=2"});
}

TEST_CASE("unknown options and missing values are refused") {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"--nope"},
                                                {"-x"},
                                                {"-b"},
                                                {"--bundle"},
                                                {"--force=7"},
                                                {"-fb"},
                                                {"-fx"},
                                                {"--df"},
                                                {"--format", "yaml"}}) {
    CAPTURE(words.front());
    CHECK_THROWS_AS(cmd::split_oci_words(options, words, false), base::Error);
  }
}

TEST_CASE("a number is within its limit") {
  const cmd::OciWords words = cmd::split_oci_words(options, {"-b", "7", "-e", "x"}, false);
  CHECK(words.number("bundle", 7) == 7U);
  CHECK_FALSE(words.number("force", 7));
  CHECK_THROWS_AS(words.number("bundle", 6), base::Error);
  CHECK_THROWS_AS(words.number("env", 6), base::Error);
}

TEST_CASE("a container id is a name, never a path") {
  for (const char* id : {"a", "a.b", "A_1+2-3", "0123456789abcdef"}) CHECK_NOTHROW(cmd::check_oci_id(id));
  for (const char* id : {"", ".", "..", "a/b", "../x", "a b", "a\nb", "\xc3\xa4"}) {
    CAPTURE(id);
    CHECK_THROWS_AS(cmd::check_oci_id(id), base::Error);
  }
}
