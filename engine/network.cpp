#include "engine/network.hpp"

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/process.hpp"
#include "engine/host_datagrams.hpp"
#include "engine/joined_user_namespace.hpp"
#include "engine/published_ports.hpp"
#include "rootless/network.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::string_view container_prefix = "container:";
constexpr std::string_view path_prefix = "ns:";
constexpr std::chrono::seconds helper_patience{5};

std::string resolve_path(const std::string& path) {
  char resolved[PATH_MAX];
  if (path.empty())
    throw make_error(ErrorKind::invalid_argument, "--network ns: needs the path of a network namespace");
  // Not realpath: what /proc/PID/ns/net leads to has no path.
  if (::access(path.c_str(), F_OK) != 0) throw base::os_error("network namespace ", quoted(path));
  if (path.starts_with('/')) return path;
  if (::getcwd(resolved, sizeof resolved) == nullptr) throw base::os_error("looking up the current directory");
  return concat(resolved, '/', path);
}

std::string resolve_peer(Engine& engine, const std::string& name) {
  if (name.empty()) throw make_error(ErrorKind::invalid_argument, "--network container: needs a container");
  const auto peer = storage::find_container(engine.store(), name);
  if (!peer) throw make_error(ErrorKind::not_found, "--network container: no such container ", quoted(name));
  const storage::ContainerRecord record = storage::read_record(*peer);
  // Whoever uses another's network is joined where that is.
  if (record.network.starts_with(container_prefix) || record.network == "host") return record.network;
  return concat(container_prefix, peer->id);
}

base::UniqueFd open_namespace(const std::string& path) {
  base::UniqueFd fd{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening network namespace ", quoted(path));
  if (::ioctl(fd.get(), NS_GET_NSTYPE) != CLONE_NEWNET)
    throw make_error(ErrorKind::invalid_argument, quoted(path), " is not a network namespace");
  return fd;
}

/// The user namespace that a network namespace belongs to; empty when that is ours, and we may do as we like there.
base::UniqueFd owner_of(const Engine& engine, int network, const std::string& what) {
  base::UniqueFd user{::ioctl(network, NS_GET_USERNS)};
  const bool is_ours = user && is_our_user_namespace(user.get());
  if (!user || (is_ours && !engine.host.writes_maps))
    throw make_error(ErrorKind::permission, what, " belongs to the host: joining it is not permitted");
  if (is_ours) return {};
  check_may_join(engine, user.get(), what);
  return user;
}

bool asks_for_ids(const RunOptions& options) {
  return !options.userns.empty() || !options.uid_maps.empty() || !options.gid_maps.empty() ||
         !options.subuid_name.empty() || !options.subgid_name.empty();
}

bool is_installed(const Engine& engine, std::string_view helper) {
  return !(helper == "pasta" ? engine.host.pasta : engine.host.slirp4netns).empty();
}

/// Of containers.conf, where it is there.
std::string preferred_helper(const Engine& engine) {
  const std::string& helper = engine.config.network_helper;
  return helper.empty() || !is_installed(engine, helper) ? "" : helper;
}

/// Source: containers.conf(5) pasta_options, network_cmd_options.
std::string with_configured_options(const ContainerDefaults& defaults, const std::string& network) {
  const bool is_pasta = network == "pasta";
  if (!is_pasta && network != "slirp4netns") return network;
  const std::vector<std::string>& options = is_pasta ? defaults.pasta_options : defaults.slirp_options;
  return options.empty() ? network : concat(network, ":", base::join(options, ","));
}

}  // namespace

std::string choose_network(Engine& engine, const RunOptions& options) {
  std::string network = options.network.empty() ? engine.config.default_network : options.network;
  if (network == "default" || network == "podman") network = "bridge";
  if (network == "none" || network == "host") return network;
  if (network.starts_with(container_prefix)) return resolve_peer(engine, network.substr(container_prefix.size()));
  if (network.starts_with(path_prefix)) return concat(path_prefix, resolve_path(network.substr(path_prefix.size())));
  if (!rootless::is_user_network(network))
    throw make_error(ErrorKind::not_found, "unable to find network with name or ID ", network, ": network not found")
        .with_hint(
            "known: bridge, host, none, private, slirp4netns[:OPTIONS], pasta[:OPTIONS], container:NAME, ns:PATH");
  rootless::NetworkOptions wanted = rootless::parse_user_network(network);
  if (wanted.helper.empty()) wanted.helper = preferred_helper(engine);
  for (const std::string& word : options.publish)
    if (!word.empty()) wanted.ports.push_back(parse_publish(word));
  const std::string problem = rootless::user_network_problem(engine.host);
  if (!options.network.empty() || !wanted.ports.empty() || options.publish_all || problem.empty()) {
    const std::string helper = rootless::choose_helper(wanted, engine.host);
    return with_configured_options(engine.config.defaults, network == "private" ? helper : network);
  }
  return "none";
}

void warn_of_missing_network(const Engine& engine, const RunOptions& options, const std::string& network) {
  const std::string& wanted = options.network.empty() ? engine.config.default_network : options.network;
  if (network == "none" && wanted != "none")
    base::log(base::LogLevel::warn, rootless::user_network_problem(engine.host),
              ": the container gets no network but loopback");
}

bool owns_network(const std::string& network) {
  return network != "host" && !network.starts_with(container_prefix) && !network.starts_with(path_prefix);
}

std::optional<storage::ContainerDir> network_peer(Engine& engine, const std::string& network) {
  if (!network.starts_with(container_prefix)) return std::nullopt;
  const std::string id = network.substr(container_prefix.size());
  auto peer = storage::open_container(engine.store(), id);
  if (!peer)
    throw make_error(ErrorKind::not_found, "container ", id.substr(0, 12), ", whose network this one uses, is gone");
  return peer;
}

std::optional<ContainerIds> ids_of_network(Engine& engine, const RunOptions& options, const std::string& network) {
  const auto joined = open_joined_network(engine, network);
  if (!joined || !joined->user) return std::nullopt;
  if (asks_for_ids(options))
    throw make_error(ErrorKind::invalid_argument, "--userns and its like cannot be combined with --network ",
                     options.network, ": who joins a network joins its user namespace");
  return ids_inside(engine, joined->user.get(), concat("the user namespace of ", network));
}

rootless::NetworkOptions network_options(const Engine& engine, const storage::ContainerRecord& record) {
  rootless::NetworkOptions options = rootless::parse_user_network(record.network);
  options.ports = published_ports(record);
  // "private" was recorded as the helper that there was; without options, the other one does as well.
  if (!base::split_once(record.network, ':') && !is_installed(engine, options.helper)) options.helper.clear();
  if (options.helper.empty()) options.helper = preferred_helper(engine);
  return options;
}

std::optional<JoinedNetwork> open_joined_network(Engine& engine, const std::string& network) {
  if (!network.starts_with(path_prefix)) return std::nullopt;
  JoinedNetwork joined{open_namespace(network.substr(path_prefix.size())), {}};
  joined.user =
      owner_of(engine, joined.network.get(), concat("network namespace ", network.substr(path_prefix.size())));
  return joined;
}

void join_network(runtime::Spec& spec, const JoinedNetwork& joined) {
  for (runtime::Namespace& entry : spec.linux.namespaces) {
    if (entry.type == "network") entry.path = concat("/proc/self/fd/", joined.network.get());
    if (entry.type == "user" && joined.user) entry.path = concat("/proc/self/fd/", joined.user.get());
  }
}

std::optional<base::FileLock> lock_ports(const storage::ContainerDir& container,
                                         const storage::ContainerRecord& record) {
  if (record.ports.empty() || !rootless::is_user_network(record.network)) return std::nullopt;
  auto lock =
      base::FileLock::acquire_for(container.dir.get(), "ports", base::FileLock::Mode::exclusive, helper_patience);
  if (lock) return lock;
  throw make_error(ErrorKind::in_use, "the network of the last run of container ", quoted(record.name),
                   " has not ended");
}

void wait_for_ports(const storage::ContainerDir& container, const storage::ContainerRecord& record) noexcept {
  try {
    lock_ports(container, record);
  } catch (const base::Error& error) {
    base::log(base::LogLevel::debug, error.message());
  }
}

base::Child watch_pasta(pid_t container, int pasta_pidfd, int ports_lock) {
  const base::UniqueFd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, container, 0))};
  if (!pidfd) throw base::os_error("opening process ", container);
  base::Command command{.path = path_of_own_program("engine"), .argv = {"engine", "_network", "watch"}};
  command.fds = {{pidfd.get(), 3}, {pasta_pidfd, 4}};
  if (ports_lock >= 0) command.fds.emplace_back(ports_lock, 5);
  const base::UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (!null) throw base::os_error("opening \"/dev/null\"");
  for (const int stream : {0, 1, 2}) command.fds.emplace_back(null.get(), stream);
  command.new_session = true;
  return base::spawn(command);
}

int network_child(const std::vector<std::string>& words) {
  const std::string& verb = words.front();
  if (verb == "watch") return rootless::watch_helper(3, 4);
  if (verb == "datagrams") return host_datagrams_child({words.begin() + 1, words.end()});
  if (verb == "hold") return hold_user_namespace();
  throw make_error(ErrorKind::invalid_argument, "unknown verb ", quoted(verb));
}

}  // namespace engine
