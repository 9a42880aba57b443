#include <cerrno>
#include <csignal>
#include <cstring>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/process.hpp"
#include "runtime/monitor_plan.hpp"

namespace runtime {
namespace {

struct SocketPair {
  base::UniqueFd ours, monitors;
};

SocketPair make_sockets() {
  int fds[2] = {-1, -1};
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
  return {base::UniqueFd{fds[0]}, base::UniqueFd{fds[1]}};
}

/// A monitor with a container folder, a log and an attach socket.
struct Monitored {
  base::TempDir folder;
  base::UniqueFd client;
  base::Child process;

  std::string file(const std::string& name) { return base::read_file(folder.fd(), name, 64 << 20); }
  ExitRecord exit_record() { return parse_exit_record(file("exit")); }
};

struct Setup {
  std::string mode = "pipes";
  std::string log_max_bytes = "0";
  std::string cleanup;
  bool with_client = true;
};

std::string keeper_path() {
  char path[4096];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  REQUIRE(length > 0);
  const std::string own{path, static_cast<std::size_t>(length)};
  return own.substr(0, own.rfind('/')) + "/test_keeper";
}

base::UniqueFd listen_in(const base::TempDir& folder) {
  base::UniqueFd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  sockaddr_un address{AF_UNIX, {}};
  std::strncpy(address.sun_path, (folder.path() + "/attach").c_str(), sizeof address.sun_path - 1);
  REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(fd.get(), 8) == 0);
  return fd;
}

base::UniqueFd attach_to(const Monitored& monitored) {
  base::UniqueFd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  sockaddr_un address{AF_UNIX, {}};
  std::strncpy(address.sun_path, (monitored.folder.path() + "/attach").c_str(), sizeof address.sun_path - 1);
  REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

void start(Monitored& monitored, const Setup& setup, const std::string& script) {
  SocketPair sockets = make_sockets();
  const base::UniqueFd listener = listen_in(monitored.folder);
  const base::UniqueFd log{::openat(monitored.folder.fd(), "log", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)};
  base::Command command;
  command.path = keeper_path();
  command.argv = {"test_keeper", setup.mode, setup.log_max_bytes, setup.cleanup, "/bin/sh", "-c", script};
  command.fds = {{monitored.folder.fd(), 11}, {listener.get(), 12}, {log.get(), 13}};
  if (setup.with_client) command.fds.emplace_back(sockets.monitors.get(), 10);
  monitored.client = std::move(sockets.ours);
  monitored.process = base::spawn(command);
}

void send(int fd, attach_type type, std::string_view payload) {
  std::string bytes(1, static_cast<char>(type));
  bytes.append(payload);
  REQUIRE(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
}

/// What a client was told until end of file.
struct Heard {
  std::string out, err;
  std::optional<std::int32_t> exit_code;
};

/// One message; false at end of file.
bool hear_one(int fd, Heard& heard) {
  static char buffer[1 + ATTACH_MAX_PAYLOAD];
  const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
  if (got <= 0) return false;
  const std::string_view payload{buffer + 1, static_cast<std::size_t>(got) - 1};
  if (buffer[0] == ATTACH_STDOUT) heard.out.append(payload);
  if (buffer[0] == ATTACH_STDERR) heard.err.append(payload);
  if (buffer[0] == ATTACH_EXIT) {
    CHECK_FALSE(heard.exit_code.has_value());
    std::int32_t code = -1;
    REQUIRE(payload.size() == sizeof code);
    std::memcpy(&code, payload.data(), sizeof code);
    heard.exit_code = code;
  }
  return true;
}

Heard hear_all(int fd) {
  Heard heard;
  while (hear_one(fd, heard)) continue;
  return heard;
}

/// Text of a log without its timestamps.
std::string log_text(const std::string& log) {
  std::string text;
  for (const std::string_view line : base::split(log, '\n')) {
    if (line.empty()) continue;
    REQUIRE(line.size() >= 40);
    REQUIRE(base::parse_rfc3339(line.substr(0, 30)).has_value());
    text.append(line.substr(31)).push_back('\n');
  }
  return text;
}

}  // namespace

TEST_CASE("the monitor carries both streams, logs them and tells the exit code") {
  Monitored monitored;
  start(monitored, {}, "echo one; echo two >&2; printf partial; exit 3");
  const Heard heard = hear_all(monitored.client.get());
  CHECK(heard.out == "one\npartial");
  CHECK(heard.err == "two\n");
  CHECK(heard.exit_code == 3);
  CHECK(monitored.process.wait().code == 3);
  const std::string log = log_text(monitored.file("log"));
  CHECK(log.find("stdout F one\n") != std::string::npos);
  CHECK(log.find("stderr F two\n") != std::string::npos);
  CHECK(log.find("stdout P partial\n") != std::string::npos);
  CHECK(monitored.exit_record().code == 3);
  CHECK_FALSE(monitored.exit_record().signalled);
}

TEST_CASE("the log's time and the exit's time are now") {
  Monitored monitored;
  const base::Time before = base::now();
  start(monitored, {}, "echo x");
  hear_all(monitored.client.get());
  monitored.process.wait();
  const base::Time logged = base::parse_rfc3339(monitored.file("log").substr(0, 30)).value();
  CHECK(logged >= before);
  CHECK(logged <= base::now());
  const ExitRecord record = monitored.exit_record();
  const base::Time ended{std::chrono::seconds{record.seconds} + std::chrono::nanoseconds{record.nanoseconds}};
  CHECK(ended >= logged - std::chrono::seconds{1});
  CHECK(ended <= base::now());
}

TEST_CASE("death by a signal is 128 and the signal") {
  Monitored monitored;
  start(monitored, {}, "kill -KILL $$");
  CHECK(hear_all(monitored.client.get()).exit_code == 128 + SIGKILL);
  monitored.process.wait();
  CHECK(monitored.exit_record().signalled);
}

TEST_CASE("megabytes go in and come out again, and end of input is passed on") {
  Monitored monitored;
  start(monitored, {}, "cat");
  std::string sent, block(ATTACH_MAX_PAYLOAD, 'x');
  Heard heard;
  for (int round = 0; round < 100; ++round) {
    block.assign(block.size(), static_cast<char>('a' + round % 26));
    sent.append(block);
    send(monitored.client.get(), ATTACH_STDIN, block);
    while (heard.out.size() < sent.size()) REQUIRE(hear_one(monitored.client.get(), heard));
  }
  send(monitored.client.get(), ATTACH_STDIN_END, "");
  while (hear_one(monitored.client.get(), heard)) continue;
  CHECK(heard.out == sent);
  CHECK(heard.exit_code == 0);
}

TEST_CASE("the first client's slowness holds the container, and nothing is lost") {
  Monitored monitored;
  start(monitored, {}, "seq 1 300000; echo done >&2");
  pollfd log_is_quiet{-1, 0, 0};
  ::poll(&log_is_quiet, 1, 300);  // let it run into the wall
  CHECK_FALSE(base::exists(monitored.folder.fd(), "exit"));
  const Heard heard = hear_all(monitored.client.get());
  CHECK(heard.err == "done\n");
  CHECK(heard.out.substr(heard.out.size() - 14) == "299999\n300000\n");
  std::size_t lines = 0;
  for (const char byte : heard.out) lines += byte == '\n' ? 1 : 0;
  CHECK(lines == 300000);
  CHECK(heard.exit_code == 0);
}

TEST_CASE("a further client hears what comes after it, and one that stalls is dropped") {
  Monitored monitored;
  start(monitored, {}, "read a; echo got $a; read b; seq 1 200000; echo end");
  const base::UniqueFd listener = attach_to(monitored);
  const base::UniqueFd sleeper = attach_to(monitored);
  send(listener.get(), ATTACH_STDIN, "word\n");
  Heard first, second, third;
  while (second.out.empty()) REQUIRE(hear_one(listener.get(), second));
  CHECK(second.out == "got word\n");
  send(monitored.client.get(), ATTACH_STDIN, "go\n");
  while (!first.exit_code) {
    pollfd both[2] = {{monitored.client.get(), POLLIN, 0}, {listener.get(), POLLIN, 0}};
    REQUIRE(::poll(both, 2, 20000) > 0);
    if (both[0].revents != 0) REQUIRE(hear_one(monitored.client.get(), first));
    if (both[1].revents != 0 && !second.exit_code) REQUIRE(hear_one(listener.get(), second));
  }
  CHECK(first.out.size() > 1000000);
  CHECK(first.out.substr(first.out.size() - 4) == "end\n");
  while (hear_one(listener.get(), second)) continue;
  CHECK(second.exit_code == 0);
  third = hear_all(sleeper.get());
  CHECK(third.out.size() < first.out.size());
  CHECK_FALSE(third.exit_code.has_value());
}

TEST_CASE("the container goes on when its first client is gone") {
  Monitored monitored;
  start(monitored, {}, "read word; echo late; exit 4");
  base::UniqueFd second = attach_to(monitored);
  monitored.client.reset();
  send(second.get(), ATTACH_STDIN, "x\n");
  const Heard heard = hear_all(second.get());
  CHECK(heard.out == "late\n");
  CHECK(heard.exit_code == 4);
  monitored.process.wait();
  CHECK(monitored.exit_record().code == 4);
}

TEST_CASE("a terminal is one stream, takes its size from the client, and ends with init") {
  Monitored monitored;
  start(monitored, {.mode = "terminal"}, "read x; stty size; test -t 0 && echo terminal; exit 5");
  const char size[4] = {33, 0, 77, 0};
  send(monitored.client.get(), ATTACH_RESIZE, {size, sizeof size});
  send(monitored.client.get(), ATTACH_STDIN, "go\n");
  const Heard heard = hear_all(monitored.client.get());
  CHECK(heard.out == "go\r\n33 77\r\nterminal\r\n");
  CHECK(heard.err.empty());
  CHECK(heard.exit_code == 5);
  monitored.process.wait();
  // The terminal hands a line on in one piece or in several, as it likes.
  CHECK(log_text(monitored.file("log")).find("terminal") != std::string::npos);
}

TEST_CASE("a terminal that everybody closed for a while comes back") {
  Monitored monitored;
  start(monitored, {.mode = "terminal"},
        "tty=$(tty); exec <&- >&- 2>&-; sleep 0.1; exec <$tty >$tty; echo back; exit 0");
  const Heard heard = hear_all(monitored.client.get());
  CHECK(heard.out == "back\r\n");
  CHECK(heard.exit_code == 0);
}

TEST_CASE("the log is rotated by size and lines stay whole") {
  Monitored monitored;
  start(monitored, {.log_max_bytes = "2000"}, "for i in $(seq 100 199); do echo line $i; done");
  hear_all(monitored.client.get());
  monitored.process.wait();
  const std::string current = monitored.file("log"), older = monitored.file("log.1");
  CHECK(current.size() <= 2000);
  CHECK(older.size() <= 2000);
  CHECK(older.size() > 1900);
  const std::string text = log_text(older) + log_text(current);
  CHECK(text.substr(text.size() - 18) == "stdout F line 199\n");
  CHECK(text.find("stdout F line 170\n") != std::string::npos);
}

TEST_CASE("the clean-up runs in the monitor's place, after the record, with the client still connected") {
  Monitored monitored;
  Setup setup;
  setup.cleanup = "cat '" + monitored.folder.path() + "/exit' > '" + monitored.folder.path() +
                  "/seen'; ls /proc/self/fd | tr '\\n' ' ' > '" + monitored.folder.path() + "/fds'; exit 42";
  start(monitored, setup, "exit 6");
  Heard heard;
  while (!heard.exit_code) REQUIRE(hear_one(monitored.client.get(), heard));
  CHECK_FALSE(hear_one(monitored.client.get(), heard));  // end of file: the clean-up is done
  CHECK(monitored.process.wait().code == 42);
  CHECK(monitored.file("seen") == monitored.file("exit"));
  CHECK(monitored.file("fds") == "0 1 10 2 3 ");  // 3 is ls's own
}

TEST_CASE("a monitor without clients, ignoring the signals of a closing session, records the exit") {
  Monitored monitored;
  start(monitored, {.with_client = false}, "read x; echo ready; read x; exit 8");
  const base::UniqueFd client = attach_to(monitored);
  send(client.get(), ATTACH_STDIN, "x\n");
  Heard heard;
  while (heard.out.empty()) REQUIRE(hear_one(client.get(), heard));
  for (const int signal : {SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGUSR1}) monitored.process.send_signal(signal);
  send(client.get(), ATTACH_STDIN, "x\n");
  CHECK(hear_all(client.get()).exit_code == 8);
  CHECK(monitored.process.wait().code == 8);
  CHECK(monitored.exit_record().code == 8);
}

TEST_CASE("a monitor that is told to end passes it on, and notes that nothing is to be started before the next boot") {
  for (const std::string noted : {"", "by the user"}) {
    Monitored monitored;
    if (!noted.empty()) base::write_file_atomically(monitored.folder.fd(), MONITOR_STOPPED_FILE, noted);
    Setup setup;
    setup.cleanup = "cp '" + monitored.folder.path() + "/stopped' '" + monitored.folder.path() + "/seen'";
    start(monitored, setup, "trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done");
    Heard heard;
    while (heard.out.empty()) REQUIRE(hear_one(monitored.client.get(), heard));
    CHECK(base::exists(monitored.folder.fd(), MONITOR_STOPPED_FILE) == !noted.empty());
    monitored.process.send_signal(SIGTERM);
    CHECK(hear_all(monitored.client.get()).exit_code == 9);
    monitored.process.wait();
    CHECK(monitored.exit_record().code == 9);
    CHECK(monitored.file("seen") == (noted.empty() ? MONITOR_UNTIL_BOOT : noted));  // by what follows it, too
  }
}

TEST_CASE("a client that breaks the protocol is dropped") {
  Monitored monitored;
  start(monitored, {}, "read x; exit 0");
  for (const std::string& bad :
       {std::string("\x09"), std::string("\x02xx"), std::string(ATTACH_MAX_PAYLOAD + 2, '\0')}) {
    const base::UniqueFd client = attach_to(monitored);
    REQUIRE(::send(client.get(), bad.data(), bad.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bad.size()));
    CHECK_FALSE(hear_all(client.get()).exit_code.has_value());
  }
  send(monitored.client.get(), ATTACH_STDIN_END, "");
  CHECK(hear_all(monitored.client.get()).exit_code == 0);
}

TEST_CASE("the monitor is small") {
  Monitored monitored;
  start(monitored, {}, "echo ready; read x");
  Heard heard;
  while (heard.out.empty()) REQUIRE(hear_one(monitored.client.get(), heard));
  const std::string status =
      base::read_file(AT_FDCWD, base::concat("/proc/", monitored.process.pid(), "/status"), 65536);
  const std::size_t at = status.find("VmRSS:");
  REQUIRE(at != std::string::npos);
  CHECK(std::stoul(status.substr(at + 6)) <= 200);  // KiB
  send(monitored.client.get(), ATTACH_STDIN_END, "");
  hear_all(monitored.client.get());
}

TEST_CASE("a malformed exit record is refused") {
  CHECK(parse_exit_record("137 1 0 1700000000.000000007\n").code == 137);
  CHECK(parse_exit_record("137 1 0 1700000000.000000007\n").nanoseconds == 7);
  for (const char* bad : {"", "1", "1 0 0", "x 0 0 1.1\n", "1 0 0 1.1"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_exit_record(bad), base::Error);
  }
}

}  // namespace runtime
