#include <doctest/doctest.h>
#include <fcntl.h>
#include <set>
#include <string>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "cmd/command.hpp"
#include "cmd/describe.hpp"

namespace {

/// "engine-container-exists.md" of "container exists".
std::string prose_file(std::string_view path) {
  std::string name = base::concat(MAN_DIRECTORY "/engine-", path, ".md");
  for (char& letter : name) {
    if (letter == ' ') letter = '-';
  }
  return name;
}

}  // namespace

TEST_CASE("the description is JSON that tells every command") {
  const base::JsonAt json = base::JsonAt::parse(cmd::description(), "description");
  CHECK(json.at("program").string() == "engine");
  CHECK(json.at("commands").array().size() == cmd::all_commands().size());
}

TEST_CASE("every command and option that help shows has a help text") {
  for (const base::JsonAt& command : base::JsonAt::parse(cmd::description(), "description").at("commands").array()) {
    const std::string path = command.at("paths").strings().front();
    CAPTURE(path);
    CHECK_FALSE(command.at("summary").string().empty());
    std::set<std::string> names;
    for (const base::JsonAt& option : command.at("options").array()) {
      const std::string name = option.at("name").string();
      CAPTURE(name);
      CHECK(names.insert(name).second);
      CHECK_FALSE(option.at("help").string().empty());
      CHECK((option.at("kind").string() == "flag") == option.at("value").string().empty());
    }
    for (const base::JsonAt& word : command.at("words").array()) CHECK_FALSE(word.at("help").string().empty());
  }
}

TEST_CASE("every listed command has a page of prose, and no page is without its command") {
  std::set<std::string> expected{"engine.md"};
  for (const cmd::Command& command : cmd::all_commands()) {
    if (command.visibility == cmd::Visibility::hidden) continue;
    const std::string file = prose_file(cmd::first_path(command));
    CAPTURE(file);
    CHECK(base::exists(AT_FDCWD, file));
    expected.insert(file.substr(file.rfind('/') + 1));
  }
  for (const std::string& name : base::list_directory(AT_FDCWD, MAN_DIRECTORY)) {
    CAPTURE(name);
    if (name.ends_with(".5.md") || name.ends_with(".7.md")) continue;  // of a kind of file, or of no command alone
    if (name.ends_with(".md")) CHECK(expected.count(name) == 1);
  }
}

TEST_CASE("every way to call a command finds it, and none is given twice") {
  std::set<std::string_view> paths;
  for (const cmd::Command& command : cmd::all_commands()) {
    for (const std::string_view path : base::split(command.paths, '|')) {
      CAPTURE(path);
      CHECK(paths.insert(path).second);
      std::vector<std::string> words;
      for (const std::string_view word : base::split(path, ' ')) words.emplace_back(word);
      words.emplace_back("more");
      const cmd::FoundCommand found = cmd::find_command(words);
      CHECK(found.command == &command);
      CHECK(found.word_count == words.size() - 1);
    }
  }
}

TEST_CASE("of a command that is not there yet no other one is suggested") {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"build", "box"}, std::vector<std::string>{"machine", "start"},
        std::vector<std::string>{"container", "restore"}, std::vector<std::string>{"system", "service"},
        std::vector<std::string>{"system", "renumber"}}) {
    CAPTURE(words.back());
    CHECK(cmd::find_command(words).command == nullptr);
    try {
      cmd::refuse_unknown_command(words);
      FAIL("not refused");
    } catch (const base::Error& error) {
      CHECK(error.kind() == base::ErrorKind::unsupported);
      CHECK(error.hint().find("did you mean") == std::string::npos);
    }
  }
}

TEST_CASE("an unknown command names the nearest one") {
  const auto hint_for = [](const std::vector<std::string>& words) -> std::string {
    try {
      cmd::refuse_unknown_command(words);
    } catch (const base::Error& error) {
      return error.hint();
    }
  };
  CHECK(hint_for({"rnu"}) == "did you mean engine run?");
  CHECK(hint_for({"container", "exsts"}) == "did you mean engine container exists?");
  CHECK(hint_for({"frobnicate"}) == "see engine --help");
}
