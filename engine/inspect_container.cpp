#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json_writer.hpp"
#include "base/signals.hpp"
#include "engine/abandoned.hpp"
#include "engine/reconcile.hpp"
#include "engine/verbs.hpp"
#include "runtime/spec.hpp"
#include "storage/layout.hpp"

namespace engine {

using base::JsonWriter;

namespace {

constexpr std::string_view zero_time = "0001-01-01T00:00:00Z";

/// Everything one inspection writes from.
struct Inspected {
  const storage::ContainerRecord& record;
  const Observed& observed;
  const runtime::Spec& spec;
  std::string folder;  ///< Absolute path of the container's folder.
};

std::string_view time_or_zero(const std::string& time) {
  return time.empty() ? zero_time : std::string_view{time};
}

void write_state(JsonWriter& json, const Inspected& in) {
  const storage::ContainerState& state = in.observed.state;
  json.key("State").begin_object();
  json.member("OciVersion", in.spec.oci_version);
  json.member("Status", state.status);
  json.member("Running", in.observed.is_running());
  json.member("Paused", false);
  json.member("Restarting", false);
  json.member("OOMKilled", state.oom_killed);
  json.member("Dead", false);
  json.member("Pid", in.observed.is_running() ? static_cast<int>(state.pid) : 0);
  json.member("ExitCode", state.exit_code);
  json.member("Error", state.error);
  json.member("StartedAt", time_or_zero(state.started));
  json.member("FinishedAt", time_or_zero(in.observed.is_running() ? "" : state.finished));
  json.member("Monitored", in.observed.monitored);
  json.end_object();
}

bool is_system_mount(const runtime::Mount& mount) {
  return mount.destination == "/proc" || mount.destination == "/sys" || mount.destination.starts_with("/sys/") ||
         mount.destination == "/dev" || mount.destination.starts_with("/dev/");
}

bool has_option(const runtime::Mount& mount, std::string_view option) {
  for (const std::string& one : mount.options)
    if (one == option) return true;
  return false;
}

void write_mounts(JsonWriter& json, const Inspected& in) {
  json.key("Mounts").begin_array();
  for (const runtime::Mount& mount : in.spec.mounts) {
    if (is_system_mount(mount) || mount.source.starts_with(in.folder)) continue;
    if (mount.type != "bind") continue;  // podman lists tmpfs under HostConfig.Tmpfs
    const std::size_t in_volumes = mount.source.find("/volumes/");
    const bool is_volume = in_volumes != std::string::npos && mount.source.ends_with("/_data");
    json.begin_object();
    json.member("Type", is_volume ? "volume" : "bind");
    if (is_volume) {
      const std::string encoded = mount.source.substr(in_volumes + 9, mount.source.size() - in_volumes - 9 - 6);
      json.member("Name", storage::layout::decode_name(encoded));
    }
    json.member("Source", mount.source);
    json.member("Destination", mount.destination);
    json.member("Driver", is_volume ? "local" : "");
    json.member("Mode", "");
    json.member("Options", mount.options);
    json.member("RW", !has_option(mount, "ro"));
    json.member("Propagation", "rprivate");
    json.end_object();
  }
  json.end_array();
}

void write_config(JsonWriter& json, const Inspected& in) {
  const runtime::Process& process = in.spec.process;
  json.key("Config").begin_object();
  json.member("Hostname", in.spec.hostname);
  json.member("Domainname", in.spec.domainname);
  json.member("User", in.record.user);
  json.member("AttachStdin", in.record.open_stdin);
  json.member("AttachStdout", true);
  json.member("AttachStderr", true);
  json.member("Tty", in.record.tty);
  json.member("OpenStdin", in.record.open_stdin);
  json.member("StdinOnce", false);
  json.member("Env", process.env);
  json.member("Cmd", process.args);
  json.member("Image", in.record.image_name);
  json.key("Volumes").null();
  json.member("WorkingDir", process.cwd);
  json.member("Entrypoint", "");
  json.key("OnBuild").null();
  json.member("Labels", in.record.labels);
  json.key("Annotations").value(in.spec.annotations);
  json.member("StopSignal", in.record.stop_signal);
  json.key("CreateCommand").raw(in.record.create_command.empty() ? "[]" : in.record.create_command);
  json.member("Umask", "0022");
  json.member("StopTimeout", in.record.stop_timeout_seconds);
  json.end_object();
}

void write_host_config(JsonWriter& json, const Inspected& in) {
  json.key("HostConfig").begin_object();
  json.key("Binds").begin_array();
  for (const runtime::Mount& mount : in.spec.mounts)
    if (mount.type == "bind" && !is_system_mount(mount) && !mount.source.starts_with(in.folder))
      json.value(base::concat(mount.source, ":", mount.destination, ":", base::join(mount.options, ",")));
  json.end_array();
  json.key("LogConfig").begin_object();
  json.member("Type", in.record.log_driver);
  json.member("Path", in.folder + "/log");
  json.end_object();
  json.member("NetworkMode", in.record.network);
  json.key("RestartPolicy").begin_object().member("Name", "").member("MaximumRetryCount", 0).end_object();
  json.member("AutoRemove", in.record.auto_remove);
  json.member("Privileged", in.record.privileged);
  json.member("ReadonlyRootfs", in.record.read_only);
  json.member("Init", in.record.init);
  json.key("CapAdd").value(std::vector<std::string>{});
  json.key("CapDrop").value(std::vector<std::string>{});
  json.key("PortBindings").begin_object().end_object();
  json.end_object();
}

void write_network(JsonWriter& json) {
  json.key("NetworkSettings").begin_object();
  json.member("IPAddress", "");
  json.key("Ports").begin_object().end_object();
  json.key("Networks").begin_object().end_object();
  json.end_object();
}

std::string render(const Inspected& in) {
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
  json.member("OCIRuntime", "engine");
  json.member("LogPath", in.folder + "/log");
  json.member("Name", in.record.name);
  json.member("RestartCount", 0);
  json.member("Driver", in.record.driver);
  json.member("MountLabel", "");
  json.member("ProcessLabel", "");
  json.member("AppArmorProfile", in.spec.process.apparmor_profile);
  json.key("EffectiveCaps").value(in.spec.process.capabilities.effective);
  json.key("BoundingCaps").value(in.spec.process.capabilities.bounding);
  json.key("ExecIDs").begin_array().end_array();
  json.key("GraphDriver").begin_object().member("Name", in.record.driver).key("Data").begin_object();
  json.member("IdVariant", in.record.variant);
  json.end_object().end_object();
  write_mounts(json, in);
  json.key("Dependencies").begin_array().end_array();
  write_network(json);
  json.member("Namespace", "");
  json.member("IsInfra", false);
  write_config(json, in);
  write_host_config(json, in);
  json.end_object();
  return json.take();
}

}  // namespace

std::optional<std::string> inspect_container(Engine& engine, const std::string& name) {
  const auto container = find_container(engine, name);
  if (!container) return std::nullopt;
  const storage::ContainerRecord record = storage::read_record(*container);
  const Observed observed = observe(*container, engine.host.boot_id);
  const std::string text = base::read_file(container->dir.get(), "config.json", runtime::max_spec_bytes);
  const runtime::Spec spec = runtime::parse_spec(text, "config.json of the container");
  return render(
      {record, observed, spec, base::concat(engine.store().root_path(), "/", storage::layout::container(record.id))});
}

}  // namespace engine
