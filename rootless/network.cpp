#include "rootless/network.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "rootless/port_forwards.hpp"

namespace rootless {
namespace {

constexpr std::chrono::milliseconds ready_limit{10'000};
constexpr off_t max_words_bytes = 16 * 1024;
constexpr const char* pasta_forwarder = "169.254.1.1";
constexpr unsigned slirp_forwarder_number = 3;
constexpr const char* api_socket = "api";

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
  if (target.lock_fd >= 0) attempt.command.fds.emplace_back(target.lock_fd, 7);
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

/// @param folder  For the socket that is asked to forward ports; -1: there are none.
Attempt plan_slirp4netns(const NetworkTarget& target, const NetworkOptions& options, const HostFacts& host,
                         const std::vector<std::string>& confinement, int folder) {
  Attempt attempt = begin_attempt("slirp4netns", host.slirp4netns, target);
  std::vector<std::string>& argv = attempt.command.argv;
  base::Pipe ready = base::make_pipe();
  attempt.command.fds.emplace_back(ready.write_end.get(), 5);
  attempt.ready = std::move(ready.read_end);
  attempt.child_ends.push_back(std::move(ready.write_end));
  argv = {"slirp4netns", "--configure", base::concat("--mtu=", options.mtu), "--ready-fd=5"};
  if (!options.allow_host_loopback) argv.emplace_back("--disable-host-loopback");
  if (options.ipv6) argv.emplace_back("--enable-ipv6");
  if (!options.cidr.empty()) argv.push_back("--cidr=" + options.cidr);
  if (!options.outbound_address.empty()) argv.push_back("--outbound-addr=" + options.outbound_address);
  if (!options.outbound_address6.empty()) argv.push_back("--outbound-addr6=" + options.outbound_address6);
  argv.insert(argv.end(), confinement.begin(), confinement.end());
  if (folder >= 0) {
    attempt.command.fds.emplace_back(folder, 8);
    argv.push_back(base::concat("--api-socket=/proc/self/fd/8/", api_socket));
  }
  add_exit_fd(attempt, target, host);
  argv.insert(argv.end(), {"--userns-path=/proc/self/fd/3", "--netns-type=path", "/proc/self/fd/4", "tap0"});
  return attempt;
}

bool maps_gateway(const NetworkOptions& options) {
  return std::find(options.pasta_words.begin(), options.pasta_words.end(), "--map-gw") != options.pasta_words.end();
}

std::vector<std::string> pasta_words(const NetworkOptions& options, const HostFacts& host) {
  std::vector<std::string> words{"pasta", "--foreground", "--quiet", "--config-net"};
  if (!maps_gateway(options)) words.emplace_back("--no-map-gw");
  const std::vector<std::string> ports = pasta_port_words(options.ports, options.pasta_words);
  words.insert(words.end(), ports.begin(), ports.end());
  words.insert(words.end(), {"--dns-forward", pasta_forwarder});
  for (const std::string& word : options.pasta_words)
    if (word != "--map-gw") words.push_back(word);  // podman's word for the absence of --no-map-gw
  if (host.uid == 0) words.insert(words.end(), {"--runas", "0:0"});
  return words;
}

// pasta writes its pid when it is ready. A FIFO, since newer ones close what they inherit.
Attempt plan_pasta(const NetworkTarget& target, const NetworkOptions& options, const HostFacts& host,
                   const base::TempDir& folder, const std::string& namespaces_user, const std::string& namespaces_net) {
  Attempt attempt = begin_attempt("pasta", host.pasta, target);
  const std::string fifo = folder.path() + "/ready";
  base::unlink_file(folder.fd(), "ready");
  if (::mkfifoat(folder.fd(), "ready", 0600) != 0) throw base::os_error("making ", base::quoted(fifo));
  attempt.ready = base::UniqueFd{::openat(folder.fd(), "ready", O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  if (!attempt.ready) throw base::os_error("opening ", base::quoted(fifo));
  attempt.command.argv = pasta_words(options, host);
  attempt.command.argv.insert(attempt.command.argv.end(),
                              {"--pid", fifo, "--userns", namespaces_user, "--netns", namespaces_net});
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
  return {.helper = std::move(helper), .exit_fd = std::move(attempt.exit_fd), .name = attempt.name};
}

// Version 1.2 does not join the user namespace of --userns-path before it makes its sandbox, so only root can have one.
// Both confinements fail in some containers, the sandbox also where /etc/resolv.conf leads outside /etc and /run.
UserNetwork start_slirp4netns(const NetworkTarget& target, const NetworkOptions& options, const HostFacts& host) {
  std::optional<base::TempDir> folder;
  if (!options.ports.empty()) folder.emplace();
  const int folder_fd = folder ? folder->fd() : -1;
  const auto start = [&](const std::vector<std::string>& confinement) {
    UserNetwork network = carry_out(plan_slirp4netns(target, options, host, confinement, folder_fd));
    if (folder) forward_by_slirp4netns(folder_fd, api_socket, options.ports);
    return network;
  };
  std::vector<std::string> confinement{"--enable-seccomp"};
  if (host.uid == 0) confinement.emplace_back("--enable-sandbox");
  try {
    return start(confinement);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::network) throw;
  }
  if (folder) base::unlink_file(folder_fd, api_socket);
  return start({});
}

UserNetwork start_pasta(const NetworkTarget& target, const NetworkOptions& options, const HostFacts& host) {
  const base::TempDir folder;
  try {
    return carry_out(plan_pasta(target, options, host, folder, "/proc/self/fd/3", "/proc/self/fd/4"));
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::network || target.pid <= 0) throw;
  }
  const std::string namespaces = base::concat("/proc/", target.pid, "/ns/");
  return carry_out(plan_pasta(target, options, host, folder, namespaces + "user", namespaces + "net"));
}

UserNetwork start_helper(const std::string& name, const NetworkTarget& target, const NetworkOptions& options,
                         const HostFacts& host) {
  return name == "pasta" ? start_pasta(target, options, host) : start_slirp4netns(target, options, host);
}

/// The helper that may try when the first one failed; empty when only that one was asked for, or is there.
std::string other_helper(const std::string& first, const NetworkOptions& options, const HostFacts& host) {
  if (!options.helper.empty() || needs_pasta(options.ports)) return {};
  if (first == "pasta") return host.slirp4netns.empty() ? "" : "slirp4netns";
  return host.pasta.empty() ? "" : "pasta";
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

std::string choose_helper(const NetworkOptions& options, const HostFacts& host) {
  const auto refuse = [](std::string problem, std::string hint) {
    throw base::Error{base::ErrorKind::unsupported, "no user-mode network: " + problem, std::move(hint)};
  };
  if (const std::string problem = user_network_problem(host); !problem.empty())
    refuse(problem,
           host.has_dev_tun ? "install slirp4netns or passt" : "as root: modprobe tun; chmod 666 /dev/net/tun");
  std::string wanted = options.helper;
  if (needs_pasta(options.ports)) {
    if (wanted == "slirp4netns" || host.pasta.empty())
      refuse("slirp4netns publishes no ports of IPv6 addresses", "pasta does: install passt, or --network pasta");
    wanted = "pasta";
  }
  if (wanted == "slirp4netns" && host.slirp4netns.empty())
    refuse("slirp4netns is not installed", "install slirp4netns");
  if (wanted == "pasta" && host.pasta.empty()) refuse("pasta is not installed", "install passt");
  if (!wanted.empty()) return wanted;
  return host.slirp4netns.empty() ? "pasta" : "slirp4netns";
}

std::string forwarder_address(const NetworkOptions& options, const HostFacts& host) {
  return choose_helper(options, host) == "pasta" ? pasta_forwarder : slirp_address(options, slirp_forwarder_number);
}

UserNetwork start_user_network(const NetworkTarget& target, const NetworkOptions& options, const HostFacts& host) {
  const std::string first = choose_helper(options, host);
  const std::string second = other_helper(first, options, host);
  try {
    return start_helper(first, target, options, host);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::network || second.empty()) throw;
    base::log(base::LogLevel::warn, error.message(), ": trying ", second);
  }
  return start_helper(second, target, options, host);
}

UserNetwork start_user_network(pid_t pid, int lock_fd, const NetworkOptions& options, const HostFacts& host) {
  const base::UniqueFd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!pidfd) throw base::os_error("opening process ", pid);
  const base::UniqueFd user = open_namespace(pid, "user");
  const base::UniqueFd network = open_namespace(pid, "net");
  const NetworkTarget target{.pid = pid,
                             .pidfd = pidfd.get(),
                             .user_namespace = user.get(),
                             .network_namespace = network.get(),
                             .keeps_exit_fd = true,
                             .lock_fd = lock_fd};
  return start_user_network(target, options, host);
}

int watch_helper(int container, int helper) {
  std::array<pollfd, 2> watched{{{container, POLLIN, 0}, {helper, POLLIN, 0}}};
  while (::poll(watched.data(), watched.size(), -1) < 0 && errno == EINTR) {
  }
  if (watched[1].revents != 0) return 0;
  ::syscall(SYS_pidfd_send_signal, helper, SIGKILL, nullptr, 0);
  pollfd end{helper, POLLIN, 0};
  while (::poll(&end, 1, -1) < 0 && errno == EINTR) {
  }
  return 0;
}

}  // namespace rootless
