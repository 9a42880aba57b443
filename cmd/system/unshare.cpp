#include <memory>
#include <string>
#include <sys/stat.h>
#include <vector>

#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"

namespace cmd {

Action declare_unshare(OptionTable& table) {
  const auto command = std::make_shared<std::vector<std::string>>();
  table.known("rootless-netns", 0, OptionKind::flag, Treatment::refused);
  table.set_words_mode(WordsMode::first_is_last);
  table.words("COMMAND", *command, 0, "Command and its arguments; the user's shell when not given");
  return [command](Invocation& invocation) {
    ::umask(invocation.program.callers_umask);  // what the command makes is the user's, not ours
    return engine::unshare(invocation.engine(), *command);
  };
}

}  // namespace cmd
