#include "runtime/executable.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/path_in_root.hpp"
#include "runtime/stage.hpp"

namespace runtime {
namespace {

using base::ErrorKind;

constexpr mode_t any_execute = S_IXUSR | S_IXGRP | S_IXOTH;

/// 0, or the errno that execve(2) would answer.
int try_candidate(int root, const std::string& path) {
  const base::UniqueFd file = base::try_open_in_root(root, path, O_PATH);
  if (!file) return ENOENT;
  struct stat found {};
  if (::fstat(file.get(), &found) != 0) throw base::os_error("examining ", base::quoted(path));
  return S_ISREG(found.st_mode) && (found.st_mode & any_execute) != 0 ? 0 : EACCES;
}

std::string below(const std::string& directory, std::string_view path) {
  return path.starts_with('/') ? std::string{path} : base::concat(directory, '/', path);
}

/// Each element of the search path, as execvp(3); EACCES when there is one, but none that is a program.
int search(int root, const Process& process) {
  int result = ENOENT;
  const std::string path = search_path_of(process.env);
  for (const std::string_view element : base::split(path, ':')) {
    const int code = try_candidate(root, base::concat(below(process.cwd, element), '/', process.args.front()));
    if (code == 0) return 0;
    if (code == EACCES) result = EACCES;
  }
  return result;
}

}  // namespace

void check_executable(const Process& process) {
  const base::UniqueFd root{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!root) throw base::os_error("opening the container's root directory");
  const std::string& name = process.args.front();
  const bool has_slash = name.find('/') != std::string::npos;
  const int code = has_slash ? try_candidate(root.get(), below(process.cwd, name)) : search(root.get(), process);
  if (code == 0) return;
  const std::string reason = std::strerror(code);
  if (code == ENOENT && !has_slash)
    throw base::make_error(ErrorKind::command_not_found, base::quoted(name), ": executable file not found in $PATH")
        .with_code(code);
  throw base::make_error(code == ENOENT ? ErrorKind::command_not_found : ErrorKind::command_not_usable, "executing ",
                         base::quoted(name), ": ", reason)
      .with_code(code);
}

}  // namespace runtime
