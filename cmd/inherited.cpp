#include "cmd/inherited.hpp"

#include <csignal>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.hpp"

namespace cmd {

void repair_what_was_inherited() noexcept {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0) continue;
    base::UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};  // the lowest number that is free: this one
    if (null.get() != stream) ::_exit(125);
    ::fcntl(null.release(), F_SETFD, 0);
  }
  ::signal(SIGCHLD, SIG_DFL);
  ::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace cmd
