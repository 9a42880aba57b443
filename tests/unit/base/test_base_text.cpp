#include <doctest/doctest.h>
#include <iomanip>

#include "base/text.hpp"

using namespace base;

TEST_CASE("concat joins texts, characters, numbers and quoted names") {
  const std::string name = "x";
  CHECK(concat("a", 'b', 3, std::int64_t{-4}, name, quoted(name)) == "ab3-4x\"x\"");
}

TEST_CASE("a quoted name hides control bytes and is cut") {
  struct Case {
    std::string text;
    std::string shown;
  };
  const Case cases[] = {{"plain", "\"plain\""},
                        {"a\nb\tc\r", "\"a\\nb\\tc\\r\""},
                        {"\x1b[31m", "\"\\x1b[31m\""},
                        {"say \"hi\"\\", "\"say \\\"hi\\\"\\\\\""},
                        {std::string("nul\0!", 5), "\"nul\\x00!\""},
                        {"\x7f", "\"\\x7f\""},
                        {"héllo €", "\"héllo €\""},
                        {"\xc2\x9b"
                         "31m\xc2\xa0",
                         "\"\\xc2\\x9b31m\xc2\xa0\""},
                        {"bad\xff\xc3", "\"bad\\xff\\xc3\""},
                        {std::string(300, 'a'), "\"" + std::string(200, 'a') + "\"…"}};
  for (const Case& one : cases) CHECK(concat(quoted(one.text)) == one.shown);
}

TEST_CASE("split keeps empty fields") {
  CHECK(split("a,b,,c", ',') == std::vector<std::string_view>{"a", "b", "", "c"});
  CHECK(split("", ',') == std::vector<std::string_view>{""});
  CHECK(split(",", ',') == std::vector<std::string_view>{"", ""});
  CHECK(split_once("a=b=c", '=') == std::pair<std::string_view, std::string_view>{"a", "b=c"});
  CHECK(!split_once("abc", '='));
  CHECK(join({"a", "", "b"}, ", ") == "a, , b");
}

TEST_CASE("trim and to_lower leave the rest alone") {
  CHECK(trim(" \t a b\r\n") == "a b");
  CHECK(trim(" \n") == "");
  CHECK(to_lower("AbC-9Ä") == "abc-9Ä");
}

TEST_CASE("numbers are decimal digits and nothing else") {
  CHECK(parse_unsigned("0") == 0);
  CHECK(parse_unsigned("18446744073709551615") == UINT64_MAX);
  for (const char* bad : {"", "-1", "+1", " 1", "1 ", "0x1", "1.0", "18446744073709551616"}) {
    CAPTURE(bad);
    CHECK(!parse_unsigned(bad));
  }
  CHECK(parse_signed("-5") == -5);
  CHECK(parse_signed("-9223372036854775808") == INT64_MIN);
  for (const char* bad : {"", "-", "--1", "+1", "9223372036854775808"}) CHECK(!parse_signed(bad));
}

TEST_CASE("hexadecimal text is lower case and random text differs") {
  CHECK(to_hex("\x00\xff\x1a", 3) == "00ff1a");
  CHECK(random_hex(16).size() == 32);
  CHECK(random_hex(16) != random_hex(16));
}

TEST_CASE("sizes are shown as docker shows them") {
  struct Case {
    std::uint64_t bytes;
    const char* text;
  };
  for (const Case& one :
       {Case{0, "0B"}, Case{999, "999B"}, Case{1000, "1kB"}, Case{1024, "1.024kB"}, Case{4270000, "4.27MB"},
        Case{1234567890, "1.235GB"}, Case{1000000000000, "1TB"}, Case{UINT64_MAX, "18.45EB"}})
    CHECK(human_size(one.bytes) == one.text);
}

TEST_CASE("sizes are read as docker reads them") {
  struct Case {
    const char* text;
    std::uint64_t bytes;
  };
  for (const Case& one :
       {Case{"0", 0}, Case{"100", 100}, Case{"100b", 100}, Case{"1k", 1024}, Case{"512K", 524288},
        Case{"64m", 67108864}, Case{"1g", 1073741824}, Case{"1GB", 1073741824}, Case{"1GiB", 1073741824},
        Case{"1.5k", 1536}, Case{"2 mb", 2097152}, Case{"1t", 1099511627776}, Case{"1p", 1125899906842624}}) {
    CAPTURE(one.text);
    CHECK(parse_size(one.text) == one.bytes);
  }
  for (const char* bad : {"", "m", "-1", "1x", "1kk", "1ib", "1 ", "1  k", "1.k", ".5k", "1.2.3k", "0x10", "16384p",
                          "99999999999999999999"}) {
    CAPTURE(bad);
    CHECK(!parse_size(bad));
  }
}

TEST_CASE("invalid UTF-8 is replaced byte by byte") {
  CHECK(sanitize_utf8("aé€😀") == "aé€😀");
  CHECK(sanitize_utf8("a\xff\xc3z") == "a\ufffd\ufffdz");
  CHECK(sanitize_utf8("\xc0\xaf") == "\ufffd\ufffd");                 // overlong
  CHECK(sanitize_utf8("\xed\xa0\x80") == "\ufffd\ufffd\ufffd");       // surrogate
  CHECK(sanitize_utf8("\xf4\x90\x80\x80").substr(0, 3) == "\ufffd");  // above U+10FFFF
  CHECK(sanitize_utf8("\xf0\x9f\x98") == "\ufffd\ufffd\ufffd");       // cut off
}
