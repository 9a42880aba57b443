#include "rootless/network.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/text.hpp"

namespace rootless {
namespace {

constexpr std::chrono::milliseconds ready_limit{10'000};
constexpr off_t max_words_bytes = 16 * 1024;
constexpr const char* slirp_forwarder = "10.0.2.3";
constexpr const char* pasta_forwarder = "169.254.1.1";

/// A helper with what it needs to tell that it is ready.
struct Attempt {
  std::string name;
  base::Command command;
  base::UniqueFd ready;  // readable, or at its end, when the helper is ready or gone
  base::UniqueFd words;
  base::UniqueFd exit_fd;
  std::vector<base::UniqueFd> child_ends;  // ours until the helper has its copies
};

// A pipe whose reader has gone would kill the helper with SIGPIPE when it logs later, and a file could grow for ever:
// memory that cannot grow keeps the first words and refuses the rest.
base::UniqueFd make_bounded_words() {
  base::UniqueFd fd{::memfd_create("helper-words", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!fd || ::ftruncate(fd.get(), max_words_bytes) != 0 ||
      ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) != 0) {
    throw base::os_error("making memory for the words of a network helper");
  }
  return fd;
}

std::string words_of(int fd) {
  std::array<char, 1024> buffer{};
  const ssize_t size = ::pread(fd, buffer.data(), buffer.size(), 0);
  const std::string_view text{buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  return std::string{base::trim(text.substr(0, text.find('\0')))};
}

Attempt begin_attempt(std::string name, const std::string& path, const NetworkTarget& target) {
  Attempt attempt;
  attempt.name = std::move(name);
  attempt.words = make_bounded_words();
  attempt.command.path = path;
  attempt.command.fds = {
      {attempt.words.get(), 1}, {attempt.words.get(), 2}, {target.user_namespace, 3}, {target.network_namespace, 4}};
  attempt.command.null_stdin = true;
  attempt.command.new_session = true;  // a Ctrl-C at the terminal is the container's, not the helper's
  return attempt;
}

bool pidfds_report_reaping(std::string_view kernel_release) {
  const std::vector<std::string_view> numbers = base::split(kernel_release, '.');
  const auto major = base::parse_unsigned(numbers[0]).value_or(0);
  const auto minor = numbers.size() < 2 ? 0 : base::parse_unsigned(numbers[1]).value_or(0);
  return major > 6 || (major == 6 && minor >= 9);
}

// slirp4netns ends when this descriptor has a hang-up.
void add_exit_fd(Attempt& attempt, const NetworkTarget& target, const HostFacts& host) {
  if (target.pidfd >= 0 && pidfds_report_reaping(host.kernel)) {
    attempt.command.fds.emplace_back(target.pidfd, 6);
  } else if (target.keeps_exit_fd) {
    base::Pipe exit = base::make_pipe();
    attempt.command.fds.emplace_back(exit.read_end.get(), 6);
    attempt.exit_fd = std::move(exit.write_end);
    attempt.child_ends.push_back(std::move(exit.read_end));
  } else {
    return;
  }
  attempt.command.argv.emplace_back("--exit-fd=6");
}

Attempt plan_slirp4netns(const NetworkTarget& target, const HostFacts& host,
                         const std::vector<std::string>& confinement) {
  Attempt attempt = begin_attempt("slirp4netns", host.slirp4netns, target);
  std::vector<std::string>& argv = attempt.command.argv;
  base::Pipe ready = base::make_pipe();
  attempt.command.fds.emplace_back(ready.write_end.get(), 5);
  attempt.ready = std::move(ready.read_end);
  attempt.child_ends.push_back(std::move(ready.write_end));
  argv = {"slirp4netns", "--configure", "--mtu=65520", "--disable-host-loopback", "--ready-fd=5"};
  argv.insert(argv.end(), confinement.begin(), confinement.end());
  add_exit_fd(attempt, target, host);
  argv.insert(argv.end(), {"--userns-path=/proc/self/fd/3", "--netns-type=path", "/proc/self/fd/4", "tap0"});
  return attempt;
}

// pasta writes its pid when it is ready. A FIFO, since newer ones close what they inherit.
Attempt plan_pasta(const NetworkTarget& target, const HostFacts& host, const base::TempDir& folder,
                   const std::string& namespaces_user, const std::string& namespaces_net) {
  Attempt attempt = begin_attempt("pasta", host.pasta, target);
  const std::string fifo = folder.path() + "/ready";
  base::unlink_file(folder.fd(), "ready");
  if (::mkfifoat(folder.fd(), "ready", 0600) != 0) throw base::os_error("making ", base::quoted(fifo));
  attempt.ready = base::UniqueFd{::openat(folder.fd(), "ready", O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  if (!attempt.ready) throw base::os_error("opening ", base::quoted(fifo));
  attempt.command.argv = {"pasta",       "--foreground", "--quiet",  "--config-net",  "--no-map-gw",
                          "-t",          "none",         "-u",       "none",          "-T",
                          "none",        "-U",           "none",     "--dns-forward", pasta_forwarder,
                          "--pid",       fifo,           "--userns", namespaces_user, "--netns",
                          namespaces_net};
  if (host.uid == 0) attempt.command.argv.insert(attempt.command.argv.end(), {"--runas", "0:0"});
  return attempt;
}

void await_ready(Attempt& attempt, const base::Child& helper) {
  std::array<pollfd, 2> watched{{{attempt.ready.get(), POLLIN, 0}, {helper.pidfd(), POLLIN, 0}}};
  const auto end = std::chrono::steady_clock::now() + ready_limit;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    const int count = left.count() <= 0 ? 0 : ::poll(watched.data(), watched.size(), static_cast<int>(left.count()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw base::os_error("waiting for ", attempt.name);
    if ((watched[0].revents & POLLIN) != 0) return;
    const std::string words = words_of(attempt.words.get());
    throw base::make_error(base::ErrorKind::network, attempt.name,
                           count == 0 ? " was not ready after 10 seconds" : " failed", words.empty() ? "" : ": ",
                           words);
  }
}

UserNetwork carry_out(Attempt attempt) {
  base::Child helper = base::spawn(attempt.command);
  attempt.child_ends.clear();
  await_ready(attempt, helper);
  return {std::move(helper), std::move(attempt.exit_fd)};
}

// Version 1.2 does not join the user namespace of --userns-path before it makes its sandbox, so only root can have one.
// Both confinements fail in some containers, the sandbox also where /etc/resolv.conf leads outside /etc and /run.
UserNetwork start_slirp4netns(const NetworkTarget& target, const HostFacts& host) {
  std::vector<std::string> confinement{"--enable-seccomp"};
  if (host.uid == 0) confinement.emplace_back("--enable-sandbox");
  try {
    return carry_out(plan_slirp4netns(target, host, confinement));
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::network) throw;
  }
  return carry_out(plan_slirp4netns(target, host, {}));
}

UserNetwork start_pasta(const NetworkTarget& target, const HostFacts& host) {
  const base::TempDir folder;
  try {
    return carry_out(plan_pasta(target, host, folder, "/proc/self/fd/3", "/proc/self/fd/4"));
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::network || target.pid <= 0) throw;
  }
  const std::string namespaces = base::concat("/proc/", target.pid, "/ns/");
  return carry_out(plan_pasta(target, host, folder, namespaces + "user", namespaces + "net"));
}

base::UniqueFd open_namespace(pid_t pid, const char* name) {
  const std::string path = base::concat("/proc/", pid, "/ns/", name);
  base::UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening ", base::quoted(path));
  return fd;
}

}  // namespace

std::string user_network_problem(const HostFacts& host) {
  if (host.slirp4netns.empty() && host.pasta.empty()) return "neither slirp4netns nor pasta is installed";
  if (!host.has_dev_tun) return "/dev/net/tun is absent or closed to us";
  return {};
}

std::string forwarder_address(const HostFacts& host) {
  return host.slirp4netns.empty() ? pasta_forwarder : slirp_forwarder;
}

UserNetwork start_user_network(const NetworkTarget& target, const HostFacts& host) {
  if (std::string problem = user_network_problem(host); !problem.empty()) {
    std::string hint =
        host.has_dev_tun ? "install slirp4netns or passt" : "as root: modprobe tun; chmod 666 /dev/net/tun";
    throw base::Error{base::ErrorKind::unsupported, "no user-mode network: " + problem, std::move(hint)};
  }
  return host.slirp4netns.empty() ? start_pasta(target, host) : start_slirp4netns(target, host);
}

UserNetwork start_user_network(pid_t pid, const HostFacts& host) {
  const base::UniqueFd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!pidfd) throw base::os_error("opening process ", pid);
  const base::UniqueFd user = open_namespace(pid, "user");
  const base::UniqueFd network = open_namespace(pid, "net");
  const NetworkTarget target{pid, pidfd.get(), user.get(), network.get(), true};
  return start_user_network(target, host);
}

}  // namespace rootless
