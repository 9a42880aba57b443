#include <string_view>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/inherited.hpp"
#include "cmd/program.hpp"
#include "cmd/version.hpp"

int main(int argc, char** argv) {
  // A container that meets this process in /proc must not read its memory, descriptors or executable.
  ::prctl(PR_SET_DUMPABLE, 0);
  cmd::repair_what_was_inherited();
  const mode_t callers_umask = ::umask(077);
  const bool is_engine = argc > 0 && !std::string_view{argv[0]}.ends_with("engine-runtime");
  if (is_engine && argc == 2 && std::string_view{argv[1]} == "--version") {
    const std::string_view line = cmd::version_line();
    return ::write(STDOUT_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size()) ? 0 : 125;
  }
  return cmd::run_program({.transfer = nullptr, .callers_umask = callers_umask}, {argv, argv + argc});
}
