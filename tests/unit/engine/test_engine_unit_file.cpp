#include <doctest/doctest.h>

#include "base/error.hpp"
#include "engine/unit_file.hpp"
#include "engine/unit_words.hpp"

using engine::quote_unit_word;
using engine::split_unit_words;
using engine::UnitFile;
using engine::UnknownEscape;
using Words = std::vector<std::string>;

TEST_CASE("words are split as systemd does") {
  const std::pair<const char*, Words> rows[] = {
      {"", {}},
      {"  a\t b ", {"a", "b"}},
      {R"("a b" c)", {"a b", "c"}},
      {R"('a b'c"d e")", {"a bcd e"}},
      {R"("")", {""}},
      {R"(a\sb)", {"a b"}},
      {R"("x\ty\n")", {"x\ty\n"}},
      {R"(\x41\101\u00e9\U0001F600)", {"AA\xc3\xa9\xf0\x9f\x98\x80"}},
      {R"("it's" 'say "x"')", {"it's", "say \"x\""}},
      {R"(%n $HOME ${X})", {"%n", "$HOME", "${X}"}},
      {R"(a\qb)", {R"(a\qb)"}},
      {R"(A="b c")", {"A=b c"}},
  };
  for (const auto& [text, words] : rows) {
    CAPTURE(text);
    CHECK(split_unit_words(text) == words);
  }
}

TEST_CASE("a quote without its end and an unknown escape are refused") {
  for (const char* text : {"\"a", "a 'b", "x\"y"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(split_unit_words(text), base::Error);
  }
  for (const char* text : {R"(a\q)", R"(\x4)", R"(\000)", R"(\ud800)", R"(end\)"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(split_unit_words(text, UnknownEscape::refused), base::Error);
    CHECK_NOTHROW(split_unit_words(text));
  }
}

TEST_CASE("a quoted word is read back as it was") {
  for (const std::string word : {"plain", "", "a b", "it's", "\"", "\\", "a\tb\nc", ";", "\x7f\x01", "%n $X", "é"}) {
    CAPTURE(word);
    CHECK(split_unit_words(quote_unit_word(word), UnknownEscape::refused) == Words{word});
  }
  CHECK(quote_unit_word("a=%n$X") == "a=%n$X");
  CHECK(engine::escape_specifiers("100% of $X") == "100%% of $$X");
}

TEST_CASE("a unit file is read with its continuation lines and comments") {
  const UnitFile file = UnitFile::parse(
      "# head\n[Unit]\nDescription = a \\\n  b \\\n# between\n; and this\n "
      "c\nAfter=x\n\n[Service]\nA=1\n[Unit]\nAfter=y\r\n",
      "f");
  CHECK(file.last("Unit", "Description") == "a    b   c");
  REQUIRE(file.all("Unit", "After").size() == 2);
  CHECK(engine::place_of(*file.all("Unit", "After")[1]) == "f:13");
  CHECK(file.last("Service", "A") == "1");
  CHECK_FALSE(file.last("Service", "B"));
  CHECK(file.sections().size() == 2);
}

TEST_CASE("a backslash at the end counts unless it is escaped") {
  const UnitFile file = UnitFile::parse("[A]\na=1\\\\\nb=2\\\\\\\n3\nc=4\\ \nd=5\\", "f");
  CHECK(file.last("A", "a") == "1\\\\");
  CHECK(file.last("A", "b") == "2\\\\ 3");
  CHECK(file.last("A", "c") == "4\\");
  CHECK(file.last("A", "d") == "5");
  CHECK(UnitFile::parse(file.text(), "again").text() == file.text());
  CHECK(UnitFile::parse("\\", "f").sections().empty());
}

TEST_CASE("an empty assignment takes back what was said before it") {
  const UnitFile file = UnitFile::parse("[A]\nk=1\nk=2\nk=\nk=3\nl=1\nl=\n", "f");
  REQUIRE(file.all("A", "k").size() == 1);
  CHECK(file.all("A", "k")[0]->value == "3");
  CHECK(file.all("A", "l").empty());
  CHECK_FALSE(file.last("A", "l"));
}

TEST_CASE("a drop-in comes after the file") {
  UnitFile file = UnitFile::parse("[A]\nk=1\n", "f");
  file.merge(UnitFile::parse("[A]\nk=2\n[B]\nx=y\n", "f.d/a.conf"));
  CHECK(file.last("A", "k") == "2");
  CHECK(file.text() == "[A]\nk=1\nk=2\n\n[B]\nx=y\n");
}

TEST_CASE("what is no unit file is refused with its line") {
  const std::pair<const char*, const char*> rows[] = {{"k=v\n", "f:1: an assignment in front"},
                                                      {"[A]\nword\n", "f:2: not an assignment"},
                                                      {"[A]\n=v\n", "f:2: not an"},
                                                      {"[A\n", "f:1: not a section"},
                                                      {"\n[]\n", "f:2: not a section"}};
  for (const auto& [text, message] : rows) {
    CAPTURE(text);
    try {
      UnitFile::parse(text, "f");
      FAIL("was accepted");
    } catch (const base::Error& error) {
      CHECK(error.message().starts_with(message));
    }
  }
  CHECK_THROWS_AS(UnitFile::parse(std::string_view{"[A]\nk=\0\n", 9}, "f"), base::Error);
}

TEST_CASE("a unit file has its limits") {
  const std::string most = "[A]\nk=" + std::string(engine::max_unit_bytes - 7, 'x') + "\n";
  CHECK_NOTHROW(UnitFile::parse(most, "f"));
  CHECK_THROWS_AS(UnitFile::parse(most + "\n", "f"), base::Error);
  const std::string lines = std::string(engine::max_unit_lines, '\n');
  CHECK_NOTHROW(UnitFile::parse(lines, "f"));
  CHECK_THROWS_AS(UnitFile::parse(lines + "\n", "f"), base::Error);
}
