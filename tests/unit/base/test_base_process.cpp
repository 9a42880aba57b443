#include <algorithm>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/process.hpp"

using namespace base;
using namespace std::chrono_literals;

namespace {

Command shell(const std::string& script) {
  return {.path = "/bin/sh", .argv = {"sh", "-c", script}};
}

Output capture(const Command& command) {
  return run_and_capture(command, 20s);
}

}  // namespace

TEST_CASE("a program runs with its arguments and environment, and its end is told") {
  Command command = shell("echo \"$A-$1\"; echo oops >&2; exit 3");
  command.argv.insert(command.argv.end(), {"zero", "one"});
  command.env = {"A=b"};
  const Output output = capture(command);
  CHECK(output.out == "b-one\n");
  CHECK(output.err == "oops\n");
  CHECK(output.status.code == 3);
  CHECK_FALSE(output.status.signalled);
}

TEST_CASE("death by a signal is 128 plus its number") {
  const Output output = capture(shell("kill -TERM $$"));
  CHECK(output.status.code == 128 + SIGTERM);
  CHECK(output.status.signalled);
}

TEST_CASE("an exec that fails is thrown by spawn and leaves no process") {
  const TempDir dir;
  write_file_atomically(dir.fd(), "not_executable", "x");
  write_file_atomically(dir.fd(), "not_a_program", std::string("\x7f") + "EL", Durability::volatile_, 0755);
  struct Case {
    std::string path;
    int code;
  };
  for (const Case& one : {Case{dir.path() + "/absent", ENOENT}, Case{dir.path() + "/not_executable", EACCES},
                          Case{dir.path(), EACCES}, Case{dir.path() + "/not_a_program", ENOEXEC}}) {
    CAPTURE(one.path);
    try {
      spawn({.path = one.path, .argv = {"x"}});
      FAIL("spawned");
    } catch (const Error& error) {
      CHECK(error.code() == one.code);
      CHECK(error.message().rfind("executing \"", 0) == 0);
    }
  }
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // no child at all, not even a zombie
  CHECK_THROWS_AS(spawn({.path = "sh", .argv = {"sh"}}), Error);
}

TEST_CASE("the child has exactly the descriptors that were named") {
  const UniqueFd leaked{::open("/dev/null", O_RDONLY)};  // on purpose not close-on-exec
  Pipe pipe = make_pipe();
  Command command = shell("ls /proc/self/fd");
  command.fds = {{pipe.write_end.get(), 9}};
  const Output output = capture(command);
  // ls itself opens the directory as the lowest free number.
  CHECK(output.out == "0\n1\n2\n3\n9\n");
}

TEST_CASE("descriptors may change places") {
  Pipe first = make_pipe();
  Pipe second = make_pipe();
  const int a = first.write_end.get(), b = second.write_end.get();
  Command command = shell(concat("echo to-a >&", b, "; echo to-b >&", a));
  command.fds = {{a, b}, {b, a}};
  CHECK(spawn(command).wait().code == 0);
  first.write_end.reset();
  second.write_end.reset();
  CHECK(read_to_end(first.read_end.get(), 100) == "to-a\n");
  CHECK(read_to_end(second.read_end.get(), 100) == "to-b\n");
}

TEST_CASE("stdin can be empty or closed") {
  Command command = shell("cat; echo done");
  command.null_stdin = true;
  CHECK(capture(command).out == "done\n");
  Command closed = shell("ls /proc/self/fd | head -n 1");
  closed.fds = {{-1, 0}};
  CHECK(capture(closed).out != "1\n1\n");
  CHECK(capture(closed).status.code == 0);
}

TEST_CASE("a child can have its own session") {
  Command command = shell("cut -d' ' -f1,6 /proc/$$/stat");
  command.new_session = true;
  const std::string text = capture(command).out;
  const auto fields = split_once(trim(text), ' ');
  REQUIRE(fields);
  CHECK(fields->first == fields->second);
}

TEST_CASE("a child starts with no signal blocked and SIGPIPE as usual") {
  sigset_t blocked, before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  auto* old = ::signal(SIGPIPE, SIG_IGN);
  const std::string out = capture(shell("grep -E 'Sig(Blk|Ign)' /proc/self/status")).out;
  ::signal(SIGPIPE, old);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  CHECK(out.find("SigBlk:\t0000000000000000") != std::string::npos);
  const std::size_t ignored = out.find("SigIgn:\t");
  REQUIRE(ignored != std::string::npos);
  CHECK((std::stoull(out.substr(ignored + 8), nullptr, 16) & (1ULL << (SIGPIPE - 1))) == 0);
}

TEST_CASE("waiting can be given up, and a child is killed when its owner goes") {
  pid_t pid = -1;
  {
    Child child = spawn({.path = "/bin/sleep", .argv = {"sleep", "1000"}});
    pid = child.pid();
    CHECK(!child.wait_for(0ms));
    CHECK(!child.wait_for(5ms));
  }
  CHECK(::kill(pid, 0) == -1);
  CHECK(errno == ESRCH);
}

TEST_CASE("a signal reaches the child, and one that died is no error") {
  Child child = spawn({.path = "/bin/sleep", .argv = {"sleep", "1000"}});
  child.send_signal(SIGINT);
  child.send_signal(SIGINT);
  const std::optional<ExitStatus> status = child.wait_for(20s);
  REQUIRE(status);
  CHECK(status->code == 128 + SIGINT);
  CHECK_THROWS_AS(child.wait(), Error);
}

TEST_CASE("a program that is too slow is killed and one that is too loud is cut") {
  const Output slow = run_and_capture(shell("echo first; exec sleep 1000"), 300ms);
  CHECK(slow.status.code == 128 + SIGKILL);
  CHECK(slow.out == "first\n");
  const Output loud = run_and_capture(shell("head -c 1000000 /dev/zero; echo end >&2"), 20s, 1000);
  CHECK(loud.status.code == 0);
  CHECK(loud.out.size() == 1000);
  CHECK(loud.err == "end\n");
}

TEST_CASE("a grandchild that keeps the pipes open is not waited for") {
  const Output output = run_and_capture(shell("sleep 1000 & echo $!"), 20s);
  CHECK(output.status.code == 0);
  const auto pid = parse_unsigned(trim(output.out));
  REQUIRE(pid);
  ::kill(static_cast<pid_t>(*pid), SIGKILL);
}

TEST_CASE("programs are found in the fixed folders only") {
  CHECK(find_program("sh"));
  CHECK(!find_program("no-such-program-here"));
  CHECK(!find_program(""));
  CHECK(!find_program("../bin/sh"));
}

TEST_CASE("a second thread is noticed") {
  CHECK_NOTHROW(assert_single_threaded());
  Pipe pipe = make_pipe();
  std::thread other{[&] {
    char byte = 0;
    read_some(pipe.read_end.get(), &byte, 1);
  }};
  CHECK_THROWS_AS(assert_single_threaded(), Error);
  pipe.write_end.reset();
  other.join();
}
