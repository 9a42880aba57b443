#include "engine/joined_namespaces.hpp"

#include <algorithm>
#include <fcntl.h>

#include "base/error.hpp"
#include "engine/reconcile.hpp"
#include "engine/selection.hpp"
#include "engine/verbs.hpp"
#include "storage/layout.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::string_view container_prefix = "/container/";

struct Word {
  const char* option;
  const char* type;  ///< As the runtime-spec has it.
  const std::string& value;
};

/// The values that are no namespace of somebody else.
void check_plain(const Word& word) {
  const bool has_more = word.type == std::string_view{"ipc"};
  const bool is_known = word.value.empty() || word.value == "private" || word.value == "host" ||
                        (has_more && (word.value == "shareable" || word.value == "none"));
  if (!is_known)
    throw make_error(ErrorKind::invalid_argument, word.option, " ", quoted(word.value), " is not a namespace")
        .with_hint(
            concat(has_more ? "shareable, private, none, host" : "private, host", ", container:NAME, or ns:PATH"));
}

/// Whether others may have its ipc namespace. Source: podman-run(1) "--ipc".
void check_shareable(const Word& word, const storage::ContainerRecord& owner) {
  if (owner.ipc == "private")
    throw make_error(ErrorKind::invalid_argument, word.option, " ", quoted(word.value), ": joining IPC of container ",
                     owner.id, " is not allowed: non-shareable IPC")
        .with_hint("make that container with --ipc shareable");
  if (owner.ipc == "host")
    throw make_error(ErrorKind::invalid_argument, word.option, " ", quoted(word.value), ": container ",
                     quoted(owner.name), " has no IPC of its own, but the host's")
        .with_hint("--ipc host");
}

void join_container(Engine& engine, JoinedNamespaces& joined, const Word& word, const std::string& name) {
  if (name.empty())
    throw make_error(ErrorKind::invalid_argument, word.option, " container: needs the name or id of a container");
  const auto container = storage::find_container(engine.store(), name);
  if (!container)
    throw make_error(ErrorKind::not_found, word.option, " ", quoted(word.value), ": no such container ", quoted(name))
        .with_hint("engine ps --all");
  storage::ContainerRecord record = storage::read_record(*container);
  if (joined.owner && joined.owner->id != record.id)
    throw make_error(ErrorKind::unsupported, word.option, " ", quoted(word.value), ": namespaces of two containers, ",
                     quoted(joined.owner->name), " and ", quoted(record.name), ", cannot be joined")
        .with_hint("each container has a user namespace of its own, and a process can be in one only");
  if (word.type == std::string_view{"ipc"}) check_shareable(word, record);
  joined.paths[word.type] = joined.paths["user"] = path_of_container(record.id);
  joined.owner = std::move(record);
}

/// Opened by its process, which is looked at again afterwards: another may have got its number.
base::UniqueFd open_namespace(const Observed& observed, const std::string& type) {
  const std::string file = type == "network" ? "net" : type == "mount" ? "mnt" : type;
  const std::string path = concat("/proc/", observed.state.process.pid, "/ns/", file);
  base::UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening ", quoted(path));
  return fd;
}

/// Not one that the user asked for.
bool has_own_shared_memory(const runtime::Spec& spec) {
  return std::any_of(spec.mounts.begin(), spec.mounts.end(), [](const runtime::Mount& mount) {
    return mount.destination == "/dev/shm" && mount.type == "tmpfs" && mount.source == "shm";
  });
}

}  // namespace

std::string path_of_container(const std::string& id) {
  return concat(container_prefix, id);
}

std::optional<std::string> container_of_path(std::string_view path) {
  if (!path.starts_with(container_prefix)) return std::nullopt;
  path.remove_prefix(container_prefix.size());
  if (!storage::layout::is_container_id(path)) return std::nullopt;
  return std::string{path};
}

JoinedNamespaces namespaces_to_join(Engine& engine, const RunOptions& options, const std::string& network) {
  const Word words[] = {{"--pid", "pid", options.pid},
                        {"--ipc", "ipc", options.ipc},
                        {"--uts", "uts", options.uts},
                        {"--cgroupns", "cgroup", options.cgroupns},
                        {"--userns", "user", options.userns}};
  if (options.uts.starts_with("container:") && !options.hostname.empty())
    throw make_error(ErrorKind::invalid_argument, "--hostname cannot be set in the UTS namespace of another container");
  if (options.uts == "host" && (!options.hostname.empty() || !options.domainname.empty()))
    throw make_error(ErrorKind::invalid_argument, "cannot set hostname when running in the host UTS namespace");
  JoinedNamespaces joined;
  if (const auto pair = base::split_once(network, ':'); pair && pair->first == "container")
    join_container(engine, joined, {"--network", "network", network}, std::string{pair->second});
  for (const Word& word : words) {
    const auto pair = base::split_once(word.value, ':');
    const bool is_user = word.type == std::string_view{"user"};
    if (pair && pair->first == "container") {
      join_container(engine, joined, word, std::string{pair->second});
    } else if (pair && pair->first == "ns" && !(is_user && joined.owner)) {
      if (!pair->second.starts_with('/'))
        throw make_error(ErrorKind::invalid_argument, word.option, " ", quoted(word.value), ": ", quoted(pair->second),
                         " is not an absolute path");
      joined.paths[word.type] = pair->second;
    } else if (!is_user) {
      check_plain(word);
    } else if (joined.owner && !word.value.empty()) {
      throw make_error(ErrorKind::invalid_argument, "--userns ", quoted(word.value),
                       " cannot be had together with the namespaces of container ", quoted(joined.owner->name))
          .with_hint("who joins a container's namespaces is in its user namespace");
    }
  }
  return joined;
}

ContainerIds ids_of_owner(const Engine& engine, const storage::ContainerRecord& owner) {
  ContainerIds ids;
  ids.mode = owner.userns;
  ids.map = owner.userns.empty() ? engine.host.id_map : recorded_map(owner);
  ids.variant = owner.variant;
  return ids;
}

bool has_own_pid_namespace(const runtime::Spec& spec) {
  return std::any_of(spec.linux.namespaces.begin(), spec.linux.namespaces.end(),
                     [](const runtime::Namespace& one) { return one.type == "pid" && one.path.empty(); });
}

bool joins_container(const runtime::Spec& spec) {
  return std::any_of(spec.linux.namespaces.begin(), spec.linux.namespaces.end(),
                     [](const runtime::Namespace& one) { return container_of_path(one.path).has_value(); });
}

void start_owner(Engine& engine, const runtime::Spec& spec) {
  for (const runtime::Namespace& one : spec.linux.namespaces) {
    const auto id = container_of_path(one.path);
    const auto container = id ? storage::open_container(engine.store(), *id) : std::nullopt;
    if (!container || observe(*container, engine.host.boot_id).is_running()) continue;
    StartOptions options;
    options.containers = {*id};
    start(engine, options);
  }
}

HeldNamespaces open_joined_namespaces(Engine& engine, runtime::Spec& spec) {
  HeldNamespaces held;
  for (runtime::Namespace& one : spec.linux.namespaces) {
    const auto id = container_of_path(one.path);
    if (!id) continue;
    const auto container = storage::open_container(engine.store(), *id);
    if (!container)
      throw make_error(ErrorKind::not_found, "container ", id->substr(0, 12), ", whose ", one.type,
                       " namespace is to be joined, was removed");
    const Observed observed = observe(*container, engine.host.boot_id);
    if (!observed.is_running())
      throw make_error(ErrorKind::in_use, "container ", id->substr(0, 12), ", whose ", one.type,
                       " namespace is to be joined, is not running")
          .with_hint(concat("engine start ", id->substr(0, 12)));
    held.all.push_back(open_namespace(observed, one.type));
    one.path = concat("/proc/self/fd/", held.all.back().get());
    if (one.type == "ipc" && has_own_shared_memory(spec) && storage::read_record(*container).ipc != "none")
      held.shm_owner = open_namespace(observed, "mount");
    if (!observe(*container, engine.host.boot_id).is_running())
      throw make_error(ErrorKind::in_use, "container ", id->substr(0, 12), " ended while it was being joined");
  }
  return held;
}

}  // namespace engine
