#include "engine/inspect_container.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/signals.hpp"
#include "engine/abandoned.hpp"
#include "engine/exec_ids.hpp"
#include "engine/published_ports.hpp"
#include "engine/restart_policy.hpp"
#include "engine/security.hpp"
#include "engine/start_cgroup.hpp"
#include "engine/verbs.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"

namespace engine {

using base::JsonWriter;

namespace {

constexpr std::string_view zero_time = "0001-01-01T00:00:00Z";

std::string_view time_or_zero(const std::string& time) {
  return time.empty() ? zero_time : std::string_view{time};
}

void write_health(JsonWriter& json, const Health& health) {
  json.key("Health").begin_object().member("Status", health.status).member("FailingStreak", health.failing_streak);
  json.key("Log");
  if (health.log.empty()) {
    json.null().end_object();
    return;
  }
  json.begin_array();
  for (const HealthLogEntry& entry : health.log)
    json.begin_object()
        .member("Start", entry.start)
        .member("End", entry.end)
        .member("ExitCode", entry.exit_code)
        .member("Output", entry.output)
        .end_object();
  json.end_array().end_object();
}

std::int64_t nanoseconds(std::chrono::milliseconds duration) {
  return std::chrono::nanoseconds{duration}.count();
}

void write_check(JsonWriter& json, std::string_view key, const HealthCheck& check, unsigned successes) {
  if (check.test.empty()) return;
  json.key(key).begin_object().member("Test", check.test);
  if (check.is_there()) {
    if (check.start_period.count() > 0) json.member("StartPeriod", nanoseconds(check.start_period));
    if (check.start_interval.count() > 0) json.member("StartInterval", nanoseconds(check.start_interval));
    json.member("Interval", nanoseconds(check.interval)).member("Timeout", nanoseconds(check.timeout));
    json.member("Retries", check.retries);
    if (successes > 0) json.member("Successes", successes);
  }
  json.end_object();
}

void write_health_config(JsonWriter& json, const Watch& watch) {
  write_check(json, "StartupHealthCheck", watch.startup, watch.startup_successes);
  write_check(json, "Healthcheck", watch.health, 0);
  json.member("HealthcheckOnFailureAction", watch.health_on_failure);
  const std::string& log_folder = watch.health_log_folder;
  json.member("HealthLogDestination", log_folder.empty() ? "local" : log_folder);
  json.member("HealthcheckMaxLogCount", watch.health_log_count);
  json.member("HealthcheckMaxLogSize", watch.health_log_bytes);
}

void write_state(JsonWriter& json, const Inspected& in) {
  const storage::ContainerState& state = in.observed.state;
  json.key("State").begin_object();
  json.member("OciVersion", in.spec.oci_version);
  json.member("Status", state.status);
  json.member("Running", in.observed.is_started());
  json.member("Paused", in.observed.is_paused());
  json.member("Restarting", in.is_restarting);
  json.member("OOMKilled", state.oom_killed);
  json.member("Dead", false);
  json.member("Pid", in.observed.is_running() ? static_cast<int>(state.process.pid) : 0);
  if (in.observed.is_running() && in.observed.monitored)
    json.member("ConmonPid", static_cast<int>(state.monitor_pid));  // podman leaves out what is zero
  json.member("ExitCode", state.exit_code);
  json.member("Error", state.error);
  json.member("StartedAt", time_or_zero(state.started));
  json.member("FinishedAt", time_or_zero(in.observed.is_running() ? "" : state.finished));
  write_health(json, in.health);
  json.member("CheckpointedAt", zero_time).member("RestoredAt", zero_time);
  json.member("Monitored", in.observed.monitored);
  if (!in.cgroup_path.empty()) json.member("CgroupPath", in.cgroup_path);
  json.end_object();
}

/// podman tells "null" of what is not there.
void write_or_null(JsonWriter& json, std::string_view name, const std::vector<std::string>& words) {
  json.key(name);
  words.empty() ? json.null() : json.value(words);
}

std::string octal(mode_t mask) {
  std::string digits = "0000";
  for (std::size_t i = 4; i-- > 0; mask /= 8) digits[i] = static_cast<char>('0' + mask % 8);
  return digits;
}

/// Those that are files; of variables podman says nothing.
void write_secrets(JsonWriter& json, const Inspected& in) {
  bool is_first = true;
  for (const storage::ContainerSecret& secret : in.secrets) {
    if (secret.is_variable) continue;
    if (std::exchange(is_first, false)) json.key("Secrets").begin_array();
    json.begin_object().member("Name", secret.name).member("ID", secret.id);
    json.member("UID", secret.uid).member("GID", secret.gid).member("Mode", secret.mode).end_object();
  }
  if (!is_first) json.end_array();
}

/// The environment and the mounts tell: neither is anything to be recorded twice.
void write_systemd_and_zone(JsonWriter& json, const Inspected& in) {
  constexpr std::string_view zones = "/usr/share/zoneinfo/";
  for (const runtime::Mount& mount : in.spec.mounts)
    if (mount.destination == "/etc/localtime" && mount.source.starts_with(zones))
      json.member("Timezone", mount.source.substr(zones.size()));
  const std::vector<std::string>& env = in.spec.process.env;
  const auto is_uuid = [](const std::string& one) { return one.starts_with("container_uuid="); };
  if (std::any_of(env.begin(), env.end(), is_uuid)) json.member("SystemdMode", true);
}

void write_config(JsonWriter& json, const Inspected& in) {
  const std::vector<std::string>& argv = in.record.command;
  const auto split = argv.begin() + static_cast<std::ptrdiff_t>(std::min(in.record.entrypoint_words, argv.size()));
  json.key("Config").begin_object();
  json.member("Hostname", in.spec.hostname).member("Domainname", in.spec.domainname).member("User", in.record.user);
  json.member("AttachStdin", false).member("AttachStdout", false).member("AttachStderr", false);
  json.member("Tty", in.record.tty).member("OpenStdin", in.record.open_stdin).member("StdinOnce", false);
  json.member("Env", in.spec.process.env);
  write_or_null(json, "Cmd", {split, argv.end()});
  json.member("Image", in.record.image_name).key("Volumes").null();
  json.member("WorkingDir", in.spec.process.cwd);
  write_or_null(json, "Entrypoint", {argv.begin(), split});
  json.key("OnBuild").null().key("Labels");
  in.record.labels.empty() ? json.null() : json.value(in.record.labels);
  json.key("Annotations").value(in.spec.annotations);
  json.member("StopSignal", base::signal_name(in.record.stop_signal));
  write_health_config(json, in.watch);
  json.key("CreateCommand").raw(in.record.create_command.empty() ? "[]" : in.record.create_command);
  write_secrets(json, in);
  write_systemd_and_zone(json, in);
  json.member("Umask", octal(in.spec.process.user.umask.value_or(0022)))
      .member("Timeout", in.watch.timeout_seconds)
      .member("StopTimeout", in.record.stop_timeout_seconds);
  json.member("Passwd", true).member("sdNotifyMode", in.watch.sdnotify.empty() ? "container" : in.watch.sdnotify);
  json.end_object();
}

void write_network(JsonWriter& json, const Inspected& in) {
  json.key("NetworkSettings").begin_object();
  json.member("EndpointID", "").member("Gateway", "").member("IPAddress", "").member("IPPrefixLen", 0);
  json.member("IPv6Gateway", "").member("GlobalIPv6Address", "").member("GlobalIPv6PrefixLen", 0);
  json.member("MacAddress", "").member("Bridge", "").member("SandboxID", "").member("HairpinMode", false);
  json.member("LinkLocalIPv6Address", "").member("LinkLocalIPv6PrefixLen", 0);
  json.key("Ports");
  write_port_map(json, in.record);
  json.member("SandboxKey", "").key("Networks").begin_object().end_object();
  json.end_object();
}

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

void write_security(JsonWriter& json, const Inspected& in) {
  json.member("MountLabel", "").member("ProcessLabel", "");
  json.member("AppArmorProfile", in.spec.process.apparmor_profile);
  json.member("EffectiveCaps", sorted(in.spec.process.capabilities.effective));
  json.member("BoundingCaps", sorted(in.spec.process.capabilities.bounding));
}

}  // namespace

std::string render_container(const Inspected& in) {
  const std::vector<std::string>& argv = in.record.command;
  JsonWriter json;
  json.begin_object();
  json.member("Id", in.record.id);
  json.member("Created", in.record.created);
  json.member("Path", argv.empty() ? std::string{} : argv.front());
  json.key("Args").value(argv.empty() ? argv : std::vector<std::string>{argv.begin() + 1, argv.end()});
  write_state(json, in);
  json.member("Image", in.record.image_id);
  json.member("ImageDigest", in.record.manifest);
  json.member("ImageName", in.record.image_name);
  json.member("Rootfs", in.record.rootfs);
  json.member("Pod", "");
  json.member("ResolvConfPath", in.folder + "/resolv.conf");
  json.member("HostnamePath", in.folder + "/hostname");
  json.member("HostsPath", in.folder + "/hosts");
  json.member("StaticDir", in.folder);
  json.member("OCIConfigPath", in.folder + "/config.json");
  json.member("OCIRuntime", in.record.runtime.empty() ? "engine" : in.record.runtime)
      .member("ConmonPidFile", in.watch.monitor_pidfile);
  json.member("PidFile", in.watch.pidfile);
  json.member("Name", in.record.name);
  json.member("RestartCount", in.restarts);
  json.member("Driver", in.record.driver);
  write_security(json, in);
  json.member("ExecIDs", in.execs);
  json.key("GraphDriver").begin_object().member("Name", in.record.driver).key("Data").begin_object();
  if (!in.layer_paths.empty()) {
    // Uppermost first, as in overlay's own option.
    json.member("LowerDir", base::join({in.layer_paths.rbegin(), in.layer_paths.rend()}, ":"));
    json.member("UpperDir", in.folder + "/upper").member("WorkDir", in.folder + "/work");
  }
  json.member("IdVariant", in.record.variant);
  json.end_object().end_object();
  write_mounts(json, in);
  json.key("Dependencies").begin_array();
  if (const auto peer = base::split_once(in.record.network, ':'); peer && peer->first == "container")
    json.value(peer->second);
  for (const std::string& id : in.watch.required) json.value(id);
  json.end_array();
  write_network(json, in);
  json.member("Namespace", "");
  json.member("IsInfra", false).member("IsService", false);
  write_config(json, in);
  write_host_config(json, in);
  json.end_object();
  return json.take();
}

namespace {

std::string inspect(Engine& engine, const storage::ContainerDir& container) {
  const storage::ContainerRecord record = storage::read_record(container);
  const Observed observed = observe(container, engine.host.boot_id);
  const std::string text = storage::read_config_json(container, runtime::max_spec_bytes);
  const runtime::Spec spec = runtime::parse_spec(text, "config.json of the container");
  Inspected inspected{record, observed, spec,
                      base::concat(engine.store().root_path(), "/", storage::layout::container(record.id))};
  inspected.cgroup_manager = name_of_cgroup_manager(engine.config);
  inspected.execs = running_execs(container);
  if (observed.is_running()) inspected.cgroup_path = cgroup_path_of(container);
  inspected.usual_capabilities = default_capability_names(engine.config.defaults.capabilities);
  inspected.secrets = storage::read_container_secrets(container);
  inspected.watch = read_watch(container);
  inspected.health = read_health(container);
  inspected.restarts = read_restarts(container).count;
  inspected.is_restarting = is_restarting(container);
  if (record.driver == "overlay" || record.driver == "fuse-overlayfs")
    for (const std::string& chain : record.chain_ids)
      inspected.layer_paths.push_back(storage::layer_path(engine.store(), base::Digest::parse(chain), record.variant));
  return render_container(inspected);
}

}  // namespace

std::optional<std::string> inspect_container(Engine& engine, const std::string& name) {
  const auto container = find_container(engine, name);
  if (!container) return std::nullopt;
  try {
    return inspect(engine, *container);
  } catch (const base::Error&) {
    // Readers take no lock: it may be removed while we look, and then it is not damaged but gone.
    if (storage::open_container(engine.store(), container->id)) throw;
    return std::nullopt;
  }
}

}  // namespace engine
