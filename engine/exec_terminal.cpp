#include "engine/exec_terminal.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/process.hpp"
#include "engine/context.hpp"

namespace engine {
namespace {

constexpr int master_number = 3;

}  // namespace

void keep_terminal_open(int master) {
  const base::UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (!null) throw base::os_error("opening \"/dev/null\"");
  base::Command command{.path = own_program("engine"), .argv = {"engine", "_inside", "keep-terminal"}};
  command.fds = {{master, master_number}, {null.get(), STDOUT_FILENO}, {null.get(), STDERR_FILENO}};
  command.null_stdin = true;
  command.new_session = true;
  base::spawn(command).detach();
}

int read_terminal_to_end() {
  std::array<char, 4096> buffer;
  ssize_t got = 0;
  do {
    got = ::read(master_number, buffer.data(), buffer.size());
  } while (got > 0 || (got < 0 && errno == EINTR));
  return 0;  // EIO: the last process that had it open closed it
}

}  // namespace engine
