#pragma once

#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/progress.hpp"
#include "cmd/command.hpp"
#include "cmd/option_walk.hpp"
#include "engine/context.hpp"
#include "engine/verbs.hpp"

namespace cmd {

struct TransferVerbs;

/// Which of our executables this process is.
struct Program {
  const TransferVerbs* transfer = nullptr;  ///< Null in `engine`: it executes engine-transfer instead.
  mode_t callers_umask = 022;               ///< As it was before we set our own.
};

/// One run of one command: what an action may ask for.
class Invocation {
 public:
  Invocation(const Program& of, const engine::GlobalOptions& global_options, const OptionTable& of_command,
             const std::vector<Given>& given_options, std::vector<std::string> typed, std::string path)
      : program(of),
        globals(global_options),
        table(of_command),
        given(given_options),
        argv(std::move(typed)),
        command_path(std::move(path)) {}

  const Program& program;
  const engine::GlobalOptions& globals;
  const OptionTable& table;             ///< Of the command.
  const std::vector<Given>& given;      ///< Its options as they were typed.
  const std::vector<std::string> argv;  ///< Everything the user typed, program name included.
  const std::string command_path;       ///< "engine container ls", for messages.

  /// Where long work will report; call before engine(). The default is silent.
  void report_to(std::unique_ptr<base::Progress> progress) { progress_ = std::move(progress); }
  /// For commands that will start a container; call before engine(). Its ids are mapped while we read the
  /// configuration.
  void expect_start() { expects_start_ = true; }
  /// Made at first use, so that --help and version look at nothing.
  engine::Engine& engine();

 private:
  std::unique_ptr<base::Progress> progress_;
  bool expects_start_ = false;
  std::optional<engine::Engine> engine_;
};

}  // namespace cmd
