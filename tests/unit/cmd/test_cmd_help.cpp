#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "cmd/help.hpp"

namespace {

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0;
  for (const std::string_view line : base::split(text, '\n')) longest = std::max(longest, line.size());
  return longest;
}

}  // namespace

TEST_CASE("the usage line shows what may be left out and what may be repeated") {
  std::string image;
  std::vector<std::string> rest;
  cmd::OptionTable table;
  table.word("IMAGE", image, "");
  table.words("ARG", rest, 0, "");
  CHECK(cmd::usage_line(table, "run") == "engine run [OPTIONS] IMAGE [ARG...]");
  cmd::OptionTable many;
  many.words("CONTAINER", rest, 1, "");
  CHECK(cmd::usage_line(many, "kill") == "engine kill [OPTIONS] CONTAINER [CONTAINER...]");
}

TEST_CASE("every command's help fits eighty columns and names the command") {
  for (const cmd::Command& command : cmd::all_commands()) {
    cmd::OptionTable table;
    const cmd::Action bound = command.declare(table);
    const std::string text = cmd::command_text(command, table, cmd::first_path(command));
    CAPTURE(text);
    CHECK(text.find(base::concat("Usage: engine ", cmd::first_path(command))) != std::string::npos);
    CHECK(longest_line(text) <= 110);
  }
}

TEST_CASE("options that do not work are not shown") {
  bool all = false;
  cmd::OptionTable table;
  table.flag("all", 'a', all, "Take everything");
  table.known("later", 0, cmd::OptionKind::flag, cmd::Treatment::refused);
  const cmd::Command command{"kill", "Send a signal", cmd::Home::engine, cmd::Visibility::listed, nullptr};
  CHECK(cmd::command_text(command, table, "kill") ==
        "Send a signal\n\nUsage: engine kill [OPTIONS]\n\nOptions:\n"
        "  -a, --all   Take everything\n"
        "  -h, --help  Print this help\n");
}
