#include "cmd/archive_output.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/scope_exit.hpp"

namespace cmd {
namespace {

void write_to_file(const std::string& path, const std::function<void(int fd)>& write) {
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC;
  base::UniqueFd file{::open(path.c_str(), flags | O_EXCL, 0666)};
  const bool is_new = static_cast<bool>(file);
  if (!file && errno == EEXIST) file = base::UniqueFd{::open(path.c_str(), flags | O_TRUNC, 0666)};
  if (!file) throw base::os_error("opening ", base::quoted(path));
  auto discard = base::on_scope_exit([&] { ::unlink(path.c_str()); });
  if (!is_new) discard.cancel();
  write(file.get());
  discard.cancel();
}

}  // namespace

void write_archive(const Invocation& invocation, const std::string& path, const std::function<void(int fd)>& write) {
  ::umask(invocation.program.callers_umask);  // the archive is the user's, unlike what lies in the store
  if (!path.empty()) return write_to_file(path, write);
  if (::isatty(STDOUT_FILENO) != 0)
    throw base::make_error(base::ErrorKind::invalid_argument, "an archive is not written to a terminal")
        .with_hint("--output FILE, or redirect standard output");
  write(STDOUT_FILENO);
}

}  // namespace cmd
