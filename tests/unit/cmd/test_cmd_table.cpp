#include <doctest/doctest.h>

#include "cmd/table.hpp"

TEST_CASE("columns are twelve wide or as wide as the widest cell and two blanks") {
  cmd::Table table{{"ID", "IMAGE", "NAMES"}};
  table.add_row({"0123456789ab", "docker.io/library/busybox:latest", "web"});
  table.add_row({"x", "y", "zz"});
  CHECK(table.text(true) ==
        "ID            IMAGE                             NAMES\n"
        "0123456789ab  docker.io/library/busybox:latest  web\n"
        "x             y                                 zz\n");
}

TEST_CASE("headings can be left out and then do not count") {
  cmd::Table table{{"A VERY LONG HEADING", "NAMES"}};
  table.add_row({"x", "web"});
  CHECK(table.text(false) == "x           web\n");
}

TEST_CASE("a table without rows is its headings") {
  CHECK(cmd::Table{{"ID", "NAMES"}}.text(true) == "ID          NAMES\n");
  CHECK(cmd::Table{{"ID", "NAMES"}}.text(false).empty());
}

TEST_CASE("control bytes of a stranger's name do not reach the terminal") {
  cmd::Table table{{"A", "B"}};
  table.add_row({"x\x1b[2J", "a\nb"});
  CHECK(table.text(false) == "x?[2J       a?b\n");
}

TEST_CASE("characters count, not bytes") {
  cmd::Table table{{"A", "B"}};
  table.add_row({"grün", "x"});
  CHECK(table.text(false) == "grün        x\n");
}

TEST_CASE("a long text is shortened without cutting a character") {
  CHECK(cmd::shortened("sleep 60", 20) == "sleep 60");
  CHECK(cmd::shortened("12345678901234567890", 20) == "12345678901234567890");
  CHECK(cmd::shortened("123456789012345678901", 20) == "12345678901234567...");
  CHECK(cmd::shortened("1234567890123456\xc3\xbc"
                       "890123",
                       20) == "1234567890123456...");
}
