#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "runtime/capability_names.hpp"
#include "runtime/terminal.hpp"

namespace runtime {

TEST_CASE("a terminal's two ends are connected, close on exec, and carry a size") {
  const Terminal terminal = open_terminal(-1);
  CHECK(::isatty(terminal.slave.get()) == 1);
  CHECK((::fcntl(terminal.master.get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((::fcntl(terminal.slave.get(), F_GETFD) & FD_CLOEXEC) != 0);
  base::write_all(terminal.slave.get(), "hello");
  char buffer[8];
  CHECK(base::read_some(terminal.master.get(), buffer, sizeof buffer) == 5);
  set_window_size(terminal.master.get(), {24, 80});
  const std::optional<WindowSize> size = window_size(terminal.slave.get());
  REQUIRE(size.has_value());
  CHECK(size->rows == 24);
  CHECK(size->columns == 80);
  set_terminal_owner(terminal.slave.get(), ::getuid());
}

TEST_CASE("a directory whose ptmx is something else is refused") {
  const base::TempDir folder;
  base::write_file_atomically(folder.fd(), "ptmx", "", base::Durability::volatile_);
  CHECK_THROWS_AS(open_terminal(folder.fd()), base::Error);
  const base::TempDir other;
  REQUIRE(::symlinkat("/dev/ptmx", other.fd(), "ptmx") == 0);
  CHECK_THROWS_AS(open_terminal(other.fd()), base::Error);
}

TEST_CASE("raw mode ends with its object, and can be left in between") {
  const Terminal terminal = open_terminal(-1);
  const auto is_canonical = [&] {
    termios settings{};
    REQUIRE(::tcgetattr(terminal.slave.get(), &settings) == 0);
    return (settings.c_lflag & ICANON) != 0;
  };
  REQUIRE(is_canonical());
  {
    RawTerminal raw{terminal.slave.get()};
    CHECK_FALSE(is_canonical());
    raw.leave();
    CHECK(is_canonical());
    raw.enter();
    CHECK_FALSE(is_canonical());
  }
  CHECK(is_canonical());
}

TEST_CASE("what is no terminal has no size and no raw mode") {
  const base::Pipe pipe = base::make_pipe();
  CHECK_FALSE(window_size(pipe.read_end.get()).has_value());
  const RawTerminal raw{pipe.read_end.get()};
}

TEST_CASE("capabilities have the kernel's numbers") {
  CHECK(capability_number("CAP_CHOWN") == 0);
  CHECK(capability_number("CAP_SYS_ADMIN") == 21);
  CHECK(capability_number("CAP_CHECKPOINT_RESTORE") == 40);
  CHECK_FALSE(capability_number("SYS_ADMIN").has_value());
  CHECK(capability_name(31) == "CAP_SETFCAP");
  CHECK(capability_name(99).empty());
  CHECK(capability_bits({"CAP_KILL", "CAP_NO_SUCH", "CAP_CHOWN"}) == 0x21);
  CHECK(all_capability_names().size() == 41);
  CHECK((kernel_capability_bits() & 1) == 1);
}

}  // namespace runtime
