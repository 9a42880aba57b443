#include <csignal>
#include <cstring>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

#include "base/fs.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "runtime/monitor_plan.hpp"

namespace runtime {
namespace {

std::string keeper_path() {
  char path[4096];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  REQUIRE(length > 0);
  const std::string own{path, static_cast<std::size_t>(length)};
  return own.substr(0, own.rfind('/')) + "/test_keeper";
}

base::UniqueFd datagrams_at(const std::string& path) {
  base::UniqueFd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{AF_UNIX, {}};
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

std::string receive(int fd) {
  char buffer[65536];
  const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
  REQUIRE(got >= 0);
  return {buffer, static_cast<std::size_t>(got)};
}

void send_to(const std::string& path, std::string_view text) {
  const base::UniqueFd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{AF_UNIX, {}};
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  REQUIRE(::sendto(fd.get(), text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&address), sizeof address) >= 0);
}

base::Child start(const base::TempDir& folder, const std::string& script, std::vector<std::string> env,
                  int notify_fd = -1) {
  base::Command command;
  command.path = keeper_path();
  command.argv = {"test_keeper", "pipes", "0", "", "/bin/sh", "-c", script};
  env.emplace_back("PATH=/usr/bin:/bin");
  command.env = std::move(env);
  command.fds = {{folder.fd(), 11}};
  if (notify_fd >= 0) command.fds.emplace_back(notify_fd, 14);
  return base::spawn(command);
}

/// A field whose value may be any bytes: its length, 64 bits in the order of little endian, then the bytes.
std::string message_field(const std::string& text) {
  std::string field = "MESSAGE\n";
  for (int byte = 0; byte < 8; ++byte) field.push_back(static_cast<char>(text.size() >> (8 * byte) & 0xff));
  return field + text + "\n";
}

}  // namespace

TEST_CASE("a line of output is a message of the journal, and one without its end is partial") {
  const base::TempDir folder;
  const base::UniqueFd journal = datagrams_at(folder.path() + "/journal");
  base::Child keeper = start(folder, "echo one; printf two", {"JOURNAL=" + folder.path() + "/journal"});
  CHECK(receive(journal.get()) == "CONTAINER_NAME=box\nPRIORITY=6\n" + message_field("one"));
  CHECK(receive(journal.get()) ==
        "CONTAINER_NAME=box\nPRIORITY=6\nCONTAINER_PARTIAL_MESSAGE=true\n" + message_field("two"));
  CHECK(keeper.wait().code == 0);
  base::Child errors = start(folder, "echo bad >&2; exit 3", {"JOURNAL=" + folder.path() + "/journal"});
  CHECK(receive(journal.get()) == "CONTAINER_NAME=box\nPRIORITY=3\n" + message_field("bad"));
  CHECK(errors.wait().code == 3);  // as the container
}

TEST_CASE("a container that may not run longer is killed, and that is no exit code of its own") {
  const base::TempDir folder;
  base::Child keeper = start(folder, "while :; do read line < /dev/zero; done", {"KILL_AFTER=1"});
  keeper.wait();
  CHECK(parse_exit_record(base::read_file(folder.fd(), "exit", 100)).code == 255);
}

TEST_CASE("checks are made while the container runs") {
  const base::TempDir folder;
  const std::string file = folder.path() + "/checks";
  base::Child keeper =
      start(folder, "until [ $(wc -c < " + file + ") -ge 6 ]; do :; done", {"CHECK=echo x >> " + file});
  CHECK(keeper.wait().code == 0);
  CHECK(base::read_file(folder.fd(), "checks", 1 << 20).starts_with("x\nx\nx\n"));
}

TEST_CASE("of what a container says to its service manager only READY=1 is passed on, once") {
  const base::TempDir folder;
  const base::UniqueFd manager = datagrams_at(folder.path() + "/manager");
  const base::UniqueFd containers = datagrams_at(folder.path() + "/container");
  for (const char* text : {"MAINPID=1", "STATUS=READY=1", "READY=10", "X=1\nREADY=1\n", "READY=1"})
    send_to(folder.path() + "/container", text);
  base::Child keeper = start(folder, "read line", {"NOTIFY=" + folder.path() + "/manager"}, containers.get());
  CHECK(receive(manager.get()) == base::concat("MAINPID=", keeper.pid(), "\nREADY=1"));
  keeper.send_signal(SIGKILL);
  keeper.wait();
  char more = 0;
  CHECK(::recv(manager.get(), &more, 1, MSG_DONTWAIT) < 0);
}

}  // namespace runtime
