#include "engine/mode.hpp"

#include <algorithm>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "engine/chroot_mode.hpp"
#include "engine/namespace_choice.hpp"
#include "engine/network.hpp"
#include "engine/security.hpp"
#include "engine/start_cgroup.hpp"
#include "rootless/network.hpp"
#include "runtime/cgroup_hierarchies.hpp"
#include "runtime/seccomp_emulation.hpp"
#include "storage/overlay.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::string_view everything = "full";

ModePart ids_part(const Engine& engine) {
  const rootless::HostFacts& host = engine.host;
  if (host.id_map.single) return {"ids", "single", host.single_reason};
  return {"ids", host.writes_maps ? "own" : "subordinate", ""};
}

ModePart rootfs_part(const DriverChoice& driver) {
  return {"rootfs", std::string{storage::name_of(driver.driver)},
          driver.driver == base::RootfsDriver::overlay ? "" : driver.reason};
}

ModePart namespaces_part(const NamespaceChoice& choice) {
  for (const auto& [name, reason] : choice.missing)
    if (name == "user") return {"namespaces", "chroot", reason};
  std::vector<std::string> values, reasons;
  for (const auto& [name, reason] : choice.missing) {
    values.push_back(name == "proc" ? "outer-proc" : "no-" + name);
    if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) reasons.push_back(reason);
  }
  if (values.empty()) return {"namespaces", "all", ""};
  return {"namespaces", base::join(values, ","), base::join(reasons, "; ")};
}

bool has_writable_v1() {
  const runtime::Hierarchies hierarchies = runtime::find_hierarchies();
  return std::any_of(hierarchies.legacy.begin(), hierarchies.legacy.end(), [](const runtime::Hierarchy& hierarchy) {
    return ::access(hierarchy.mount_point.c_str(), W_OK) == 0;
  });
}

ModePart cgroup_part(const Engine& engine, const rootless::Delegation& delegation) {
  if (engine.config.default_cgroups == "disabled") return {"cgroup", "none", "containers.conf says cgroups=disabled"};
  if (choose_cgroup_manager(engine.config) == runtime::CgroupManager::systemd) return {"cgroup", "systemd", ""};
  if (!delegation.path.empty()) return {"cgroup", "delegated", ""};
  if (has_writable_v1()) return {"cgroup", "v1", delegation.why_none};
  return {"cgroup", "none", delegation.why_none};
}

/// @param namespaces  The part before: a chroot has the network that is around it.
ModePart network_part(const Engine& engine, const ModePart& namespaces) {
  if (namespaces.value == "chroot") return {"network", "host", namespaces.reason};
  const std::string& wanted = engine.config.default_network;
  if (wanted == "none" || wanted == "host") return {"network", wanted, "containers.conf says so"};
  const std::string problem = rootless::user_network_problem(engine.host);
  if (!problem.empty()) return {"network", "none", problem};
  return {"network", rootless::choose_helper({}, engine.host), ""};
}

/// A part that was not asked for cannot be missed.
bool is_judged(const std::string& part, const RunOptions& options) {
  if (part == "network") return options.network != "none" && options.network != "host";
  if (part == "cgroup") return options.cgroups != "disabled";
  return true;
}

bool names(const std::vector<std::string>& words, std::string_view name) {
  return std::find(words.begin(), words.end(), name) != words.end();
}

void require(const Mode& mode, const std::vector<std::string>& required, const RunOptions& options) {
  std::vector<std::string> lacking;
  for (const ModePart& part : mode.parts)
    if (!part.reason.empty() && is_judged(part.name, options) &&
        (names(required, everything) || names(required, part.name)))
      lacking.push_back(concat(part.name, '=', part.value, " (", part.reason, ")"));
  if (lacking.empty()) return;
  throw make_error(ErrorKind::unsupported, "--require ", base::join(required, ","), ": here is only ",
                   base::join(lacking, ", "))
      .with_hint("engine doctor tells how to get more; engine-modes(7) lists what there is");
}

bool has_variable(const runtime::Spec& spec, std::string_view assignment) {
  return std::any_of(spec.process.env.begin(), spec.process.env.end(),
                     [&](const std::string& entry) { return entry.starts_with(assignment); });
}

/// What the user asked for by name stays, and fails with the kernel's reason.
bool leave_out(std::string& option, const NamespaceChoice& choice, const char* name) {
  if (!option.empty() || !choice.lacks(name)) return false;
  option = "host";
  return true;
}

void emulate_root(const RunOptions& options, const rootless::IdMap& map, runtime::Spec& spec) {
  std::vector<std::string> capabilities = spec.process.capabilities.effective;
  // No container of several ids has this one by itself, either; packages make devices all the same.
  if (spec.process.user.uid == 0 && !is_taken_away(options, "CAP_MKNOD")) capabilities.emplace_back("CAP_MKNOD");
  if (capabilities.empty()) return;
  spec.linux.seccomp_json = runtime::with_root_emulation(
      spec.linux.seccomp_json, {map.uids.front().inside, map.gids.front().inside, std::move(capabilities)});
}

RunOptions chrooted(const Engine& engine, const RunOptions& options, const NamespaceChoice& choice) {
  if (!engine.config.runtime.empty() && engine.config.runtime != "builtin" && engine.config.runtime != "engine")
    throw make_error(ErrorKind::unsupported, "--runtime is not possible here: containers are only a chroot");
  RunOptions fitted = fit_to_chroot(options);
  base::log(base::LogLevel::warn,
            "the container is only a chroot, which is no isolation: no /proc, the processes and the ",
            "network of the surroundings (", namespaces_part(choice).reason, ")");
  return fitted;
}

}  // namespace

bool emulates_root(const Engine& engine, const RunOptions& options, const rootless::IdMap& map) {
  return map.single && options.root_emulation.value_or(engine.config.mode.root_emulation);
}

Mode find_mode(Engine& engine) {
  Mode mode;
  const ModePart namespaces = namespaces_part(find_namespaces(engine));
  mode.parts = {ids_part(engine), rootfs_part(find_driver(engine)), namespaces,
                cgroup_part(engine, rootless::find_delegation(engine.host)), network_part(engine, namespaces)};
  mode.emulates_root = engine.host.id_map.single && engine.config.mode.root_emulation;
  return mode;
}

std::string mode_line(const Mode& mode) {
  std::vector<std::string> words;
  for (const ModePart& part : mode.parts)
    words.push_back(concat(part.name, '=', part.value, part.reason.empty() ? "" : concat(" (", part.reason, ")")));
  if (mode.emulates_root) words.emplace_back("root-emulation");
  return base::join(words, " ");
}

void write_mode(base::JsonWriter& json, Engine& engine, const rootless::Delegation& delegation,
                const DriverChoice& driver) {
  const rootless::HostFacts& host = engine.host;
  Mode mode;
  mode.parts = {ids_part(engine), rootfs_part(driver), {}, cgroup_part(engine, delegation), {}};
  try {
    mode.parts[2] = namespaces_part(find_namespaces(engine));
  } catch (const base::Error& error) {  // `info` tells it, and goes on
    mode.parts[2] = {"namespaces", "none", error.message()};
  }
  mode.parts[4] = network_part(engine, mode.parts[2]);
  mode.emulates_root = host.id_map.single && engine.config.mode.root_emulation;
  json.key("mode").begin_object().member("line", mode_line(mode));
  json.member("full", std::all_of(mode.parts.begin(), mode.parts.end(),
                                  [](const ModePart& part) { return part.reason.empty(); }));
  json.key("ids").begin_object().member("kind", mode.parts[0].value).member("rootEmulation", mode.emulates_root);
  if (!host.single_reason.empty()) json.member("reason", host.single_reason);
  if (!host.single_hint.empty()) json.member("hint", host.single_hint);
  json.end_object().key("rootfs").begin_object();
  json.member("driver", storage::name_of(driver.driver)).member("reason", driver.reason);
  json.end_object().key("namespaces").begin_object().member("kind", mode.parts[2].value);
  if (!mode.parts[2].reason.empty()) json.member("reason", mode.parts[2].reason);
  json.end_object().key("cgroup").begin_object().member("kind", mode.parts[3].value);
  json.member("version", rootless::name_of(host.cgroup)).member("delegated", delegation.path);
  if (!mode.parts[3].reason.empty()) json.member("reason", mode.parts[3].reason);
  json.end_object().key("network").begin_object().member("helper", mode.parts[4].value);
  if (!mode.parts[4].reason.empty()) json.member("reason", mode.parts[4].reason);
  json.end_object().member("notes", engine.config.notes).end_object();
}

void check_require(const std::vector<std::string>& required) {
  static const std::vector<std::string> known = {"full", "ids", "rootfs", "namespaces", "cgroup", "network"};
  for (const std::string& word : required)
    if (!names(known, word))
      throw make_error(ErrorKind::invalid_argument, "--require ", quoted(word), " is not a part of the mode")
          .with_hint(concat("known: ", base::join(known, ", ")));
}

std::optional<RunOptions> fit_to_mode(Engine& engine, const RunOptions& options) {
  const std::vector<std::string>& required = options.require.empty() ? engine.config.mode.require : options.require;
  check_require(required);
  if (!required.empty() || base::is_logged(base::LogLevel::info)) {
    Mode mode = find_mode(engine);
    mode.emulates_root = emulates_root(engine, options, engine.host.id_map);
    base::log(base::LogLevel::info, "mode: ", mode_line(mode));
    require(mode, required, options);
  }
  const NamespaceChoice& choice = find_namespaces(engine);
  if (choice.missing.empty()) return std::nullopt;
  if (choice.is_chroot()) return chrooted(engine, options, choice);
  RunOptions fitted = options;
  bool is_changed = leave_out(fitted.pid, choice, "pid");
  is_changed |= leave_out(fitted.ipc, choice, "ipc");
  if (fitted.hostname.empty()) is_changed |= leave_out(fitted.uts, choice, "uts");
  is_changed |= leave_out(fitted.cgroupns, choice, "cgroup");
  if (fitted.publish.empty() && !fitted.publish_all) is_changed |= leave_out(fitted.network, choice, "network");
  if (!is_changed) return std::nullopt;
  base::log(base::LogLevel::warn,
            "the container shares what cannot be made for it: namespaces=", namespaces_part(choice).value, " (",
            namespaces_part(choice).reason, ")");
  return fitted;
}

void apply_mode(Engine& engine, const RunOptions& options, const rootless::IdMap& map, runtime::Spec& spec) {
  if (find_namespaces(engine).is_chroot()) return make_chroot_spec(spec);
  if (emulates_root(engine, options, map)) emulate_root(options, map, spec);
  if (emulates_root(engine, options, engine.host.id_map) && !has_variable(spec, "APT_CONFIG="))
    spec.process.env.push_back(concat("APT_CONFIG=", apt_settings_place));
  if (!find_namespaces(engine).lacks("proc")) return;
  std::erase_if(spec.linux.sysctl, [](const auto& entry) { return entry.first == "net.ipv4.ping_group_range"; });
  if (!names(engine.config.mode.without, "proc")) return;  // the runtime finds that out itself
  for (runtime::Mount& mount : spec.mounts)
    if (mount.type == "proc") mount = {mount.destination, "bind", "/proc", {"rbind", "nosuid", "noexec", "nodev"}};
}

void force_single_id(rootless::HostFacts& host, const Config& config) {
  if (!config.mode.single_id || host.id_map.single) return;
  host.id_map = rootless::single_map(host.uid, host.gid);
  host.single_reason = "engine.conf says so";
}

void leave_read_only_place(Config& config, const GlobalOptions& options, const rootless::HostFacts& host) {
  if (!options.root.empty()) return;
  std::string nearest = config.root;
  while (::access(nearest.c_str(), W_OK) != 0) {
    const std::size_t end = nearest.rfind('/');
    if (errno == EROFS) break;
    if (errno != ENOENT || end == std::string::npos || end == 0) return;
    nearest.resize(end);
  }
  if (::access(nearest.c_str(), W_OK) == 0) return;
  if (nearest == config.root) config.shared_stores.push_back(config.root);
  const std::string place = host.run_dir + "/engine-store";
  base::log(base::LogLevel::warn, "images and containers are kept in ", quoted(place),
            " until the machine restarts: ", quoted(config.root), " is on a read-only file system");
  if (config.spool.folder == config.root) config.spool.folder = place;
  config.root = place;
}

}  // namespace engine
