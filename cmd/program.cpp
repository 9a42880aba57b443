#include "cmd/program.hpp"

#include <exception>
#include <memory>
#include <new>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cmd/command.hpp"
#include "cmd/exit_code.hpp"
#include "cmd/global_options.hpp"
#include "cmd/help.hpp"
#include "cmd/oci_runtime.hpp"
#include "cmd/option_walk.hpp"
#include "cmd/output.hpp"
#include "cmd/parser.hpp"
#include "cmd/systemd/generator.hpp"
#include "cmd/version.hpp"
#include "engine/explain.hpp"

namespace cmd {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;

std::string_view last_component(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// Becomes engine-transfer with the same words. Returns only by throwing.
int execute_transfer(const Program& program, const std::vector<std::string>& argv) {
  const std::string path = engine::path_of_own_program("engine-transfer");
  const std::string build = concat("--build=", build_id());
  std::vector<std::string> words{path, build};
  words.insert(words.end(), argv.begin() + 1, argv.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::umask(program.callers_umask);  // which engine-transfer must learn, for the files that it makes for the caller
  ::execv(path.c_str(), pointers.data());
  throw base::os_error("executing ", base::quoted(path));
}

/// `engine`, `engine --help`, `engine container`, `engine container --help`: no command was named.
int print_overview(const Walk& front, const OptionTable& global_table) {
  if (front.words.empty()) {
    print(overview_text(global_table));
    if (!front.wants_help) throw make_error(ErrorKind::invalid_argument, "missing command 'engine COMMAND'");
    return 0;
  }
  const CommandGroup* group = find_group(front.words.front());
  const bool is_alone = front.words.size() == 1 || front.words[1] == "--help" || front.words[1] == "-h";
  if (group == nullptr || !is_alone) refuse_unknown_command(front.words);
  print(group_text(*group));
  if (front.words.size() == 1 && !front.wants_help)
    throw make_error(ErrorKind::invalid_argument, "missing command 'engine ", front.words.front(), " COMMAND'");
  return 0;
}

int run_command(const Program& program, const FoundCommand& found, GlobalWords& globals,
                const OptionTable& global_table, const std::vector<std::string>& words, std::vector<std::string> argv) {
  const Command& command = *found.command;
  OptionTable table;
  const Action act = command.declare(table);
  const std::string path = concat("engine ", found.path);
  const Walk walk = walk_words(table, global_table,
                               {words.begin() + static_cast<std::ptrdiff_t>(found.word_count), words.end()}, path);
  if (walk.wants_help) {
    print(command_text(command, table, found.path));
    return 0;
  }
  bind_options(walk.global_options);
  settle_global_options(globals);
  bind_options(walk.options);
  bind_words(table, walk.words, path);
  if (command.home == Home::transfer && program.transfer == nullptr) return execute_transfer(program, argv);
  if (command.home == Home::engine && program.transfer != nullptr) {
    throw make_error(ErrorKind::invalid_argument, "engine-transfer does not do ", base::quoted(found.path))
        .with_hint(concat("use ", path));
  }
  globals.options.is_about_images = is_about_images(found.path);
  Invocation invocation{program, globals.options, table, walk.options, std::move(argv), path};
  return act(invocation);
}

int run(const Program& program, std::vector<std::string> argv) {
  const std::vector<std::string> words{argv.begin() + (argv.empty() ? 0 : 1), argv.end()};
  if (!argv.empty() && last_component(argv.front()) == "engine-runtime") return oci_runtime_main(words);
  if (!argv.empty() && is_generator(last_component(argv.front()))) return generator_main(argv);
  // It is started for each step of each container, and has a command line of its own: no table of ours is needed.
  if (program.transfer == nullptr && !words.empty() && words.front() == "runtime")
    return oci_runtime_main({words.begin() + 1, words.end()});

  const auto globals = std::make_shared<GlobalWords>();  // what is told of errors outlives us
  OptionTable global_table;
  declare_global_options(global_table, *globals);
  global_table.set_words_mode(WordsMode::first_is_last);
  const Walk front = walk_words(global_table, global_table, words, "engine");
  bind_options(front.options);
  if (globals->version) {
    print(version_line());
    return 0;
  }
  const FoundCommand found = find_command(front.words);
  if (found.command == nullptr || front.wants_help) return print_overview(front, global_table);
  const bool is_asking = found.path == "explain" || found.path == "doctor";
  if (!is_asking && found.command->visibility == Visibility::listed)
    tell_of_errors([globals, path = concat("engine ", found.path)](const base::Error& error) {
      engine::remember_failure(globals->options, path, error);
    });
  return run_command(program, found, *globals, global_table, front.words, std::move(argv));
}

}  // namespace

int run_program(const Program& program, std::vector<std::string> argv) noexcept {
  try {
    return run(program, std::move(argv));
  } catch (const base::Error& error) {
    if (is_closed_pipe(error)) return exit_closed_pipe;
    print_error(error);
    return exit_code_of(error.kind());
  } catch (const std::bad_alloc&) {
    print_error(base::Error{ErrorKind::internal, "out of memory"});
  } catch (const std::system_error& error) {  // of the standard library's, only std::thread throws it here
    print_error(base::Error{ErrorKind::internal, concat("starting a thread: ", error.what())});
  } catch (const std::exception& error) {
    print_error(base::Error{ErrorKind::internal, concat("unexpected: ", error.what())});
  } catch (...) {
    print_error(base::Error{ErrorKind::internal, "unexpected exception"});
  }
  return exit_failed;
}

}  // namespace cmd
