#include <memory>
#include <utility>

#include "base/error.hpp"
#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"

namespace cmd {
namespace {

struct ExecWords {
  engine::ExecOptions options;
  ContainerChoice choice;
};

/// With --latest or --cidfile the first word is the command's, not a container.
engine::ExecOptions settle(Invocation& invocation, const ExecWords& words) {
  engine::ExecOptions options = words.options;
  options.id = base::random_hex(32);
  if (words.choice.latest || !words.choice.cidfiles.empty()) {
    const std::vector<std::string> names = chosen_names(invocation, words.choice);
    if (names.size() > 1) throw base::Error{base::ErrorKind::invalid_argument, "exec takes one container"};
    options.command.insert(options.command.begin(), std::exchange(options.container, names.front()));
  }
  if (options.command.empty()) {
    throw base::Error{base::ErrorKind::invalid_argument, "\"engine exec\" needs a COMMAND", "see engine exec --help"};
  }
  return options;
}

}  // namespace

Action declare_exec(OptionTable& table) {
  const auto words = std::make_shared<ExecWords>();
  engine::ExecOptions& options = words->options;
  table.flag("interactive", 'i', options.interactive, "Keep standard input open");
  table.flag("tty", 't', options.tty, "Give the command a terminal");
  table.flag("detach", 'd', options.detach, "Run the command in the background");
  table.flag("privileged", 0, options.privileged, "All capabilities of the user namespace");
  table.list("env", 'e', "NAME[=VALUE]", options.env, "Set a variable; without a value, copy ours");
  table.list("env-file", 0, "FILE", options.env_files, "Read variables from a file, one a line")
      .offers(Completes::files);
  table.text("user", 'u', "USER[:GROUP]", options.user, "User and group, by name or number");
  table.text("workdir", 'w', "DIRECTORY", options.work_dir, "Working directory in the container");
  table.text("detach-keys", 0, "KEYS", options.detach_keys, "Keys that leave the command running; \"\" for none");
  table.known("no-session", 0, OptionKind::flag, Treatment::ignored);  // there is none that would be kept
  table.number("preserve-fds", 0, "COUNT", &options.preserve_fds, "Pass that many more descriptors, from 3 on");
  table.comma_list("preserve-fd", 0, "NUMBER", options.preserve_fd, "Pass these descriptors, which keep their numbers");
  declare_latest_option(table, words->choice);
  declare_cidfile_option(table, words->choice);
  table.set_words_mode(WordsMode::first_is_last);
  table.word("CONTAINER", options.container, "Name or id of a running container").completes =
      Completes::running_containers;
  table.words("COMMAND", options.command, 0, "Command and its arguments");
  return [words](Invocation& invocation) {
    const engine::ExecOptions settled = settle(invocation, *words);
    const int code = engine::exec(invocation.engine(), settled);
    if (settled.detach) print_line(settled.id);
    return code;
  };
}

}  // namespace cmd
