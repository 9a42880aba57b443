#include <algorithm>
#include <array>
#include <climits>
#include <cstdio>
#include <map>
#include <unistd.h>

#include "base/text.hpp"
#include "engine/inspect_container.hpp"
#include "engine/joined_namespaces.hpp"
#include "engine/network.hpp"
#include "engine/published_ports.hpp"
#include "engine/security.hpp"
#include "runtime/cgroup_resources.hpp"
#include "storage/layout.hpp"

// What podman tells of the host's side of a container. It knows some of it from the user's words and some from
// config.json; so do we.

namespace engine {

using base::JsonWriter;

namespace {

using Names = std::vector<std::string>;

bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_below_dev(std::string_view path) {
  return path.starts_with("/dev/");
}

bool is_system_mount(const runtime::Mount& mount) {
  const std::string& at = mount.destination;
  return at == "/proc" || at == "/sys" || at.starts_with("/sys/") || at == "/dev" || is_below_dev(at);
}

bool is_device(const runtime::Mount& mount) {
  return mount.type == "bind" && is_below_dev(mount.destination) && is_below_dev(mount.source) &&
         mount.source != "/dev/shm" && mount.source != "/dev/mqueue";
}

/// Secrets and the time zone, which podman does not count among the mounts.
bool is_surrounding(const runtime::Mount& mount, const std::string& id) {
  return mount.destination == "/etc/localtime" || mount.source.find("/secrets/" + id + "/") != std::string::npos;
}

/// What the user bound in: no system mount, and none of the files that we write beside the container.
std::vector<const runtime::Mount*> users_binds(const Inspected& in) {
  std::vector<const runtime::Mount*> mounts;
  for (const runtime::Mount& mount : in.spec.mounts)
    if (mount.type == "bind" && !is_system_mount(mount) && !mount.source.starts_with(in.folder + "/") &&
        !is_surrounding(mount, in.record.id))
      mounts.push_back(&mount);
  return mounts;
}

/// The name of the volume that is mounted; nothing for another directory of the host.
std::optional<std::string> volume_of(const runtime::Mount& mount) {
  constexpr std::string_view folder = "/volumes/", data = "/_data";
  const std::size_t start = mount.source.find(folder);
  if (start == std::string::npos || !mount.source.ends_with(data)) return std::nullopt;
  const std::size_t name = start + folder.size();
  return storage::layout::decode_name(mount.source.substr(name, mount.source.size() - name - data.size()));
}

std::string propagation_of(const runtime::Mount& mount) {
  for (const char* one : {"private", "rprivate", "shared", "rshared", "slave", "rslave"})
    if (contains(mount.options, one)) return one;
  return "rprivate";
}

constexpr std::string_view subpath_option = "x-engine.subpath=";

/// Which part of the volume is mounted; empty: all of it.
std::string subpath_of(const runtime::Mount& mount) {
  for (const std::string& one : mount.options)
    if (one.starts_with(subpath_option)) return one.substr(subpath_option.size());
  return {};
}

/// Without what has members of its own.
Names other_options(const runtime::Mount& mount) {
  Names options = mount.options;
  const std::string propagation = propagation_of(mount);
  std::erase_if(options, [&](const std::string& one) {
    return one == "ro" || one == "rw" || one == propagation || one.starts_with(subpath_option);
  });
  return options;
}

/// "rw,rprivate,nosuid,rbind", as podman orders them.
std::string option_text(const runtime::Mount& mount) {
  Names words{contains(mount.options, "ro") ? "ro" : "rw", propagation_of(mount)};
  for (std::string& option : other_options(mount)) words.push_back(std::move(option));
  return base::join(words, ",");
}

std::string bind_text(const runtime::Mount& mount) {
  return base::concat(volume_of(mount).value_or(mount.source), ':', mount.destination, ':', option_text(mount));
}

Names only_in(const Names& these, const Names& not_in_those) {
  Names names;
  for (const std::string& name : these)
    if (!contains(not_in_those, name)) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

void write_capabilities(JsonWriter& json, const Inspected& in) {
  const Names& has = in.spec.process.capabilities.bounding;
  const Names& usual = in.usual_capabilities;
  json.member("CapAdd", in.record.privileged ? Names{} : only_in(has, usual));
  json.member("CapDrop", in.record.privileged ? Names{} : only_in(usual, has));
}

void write_tmpfs(JsonWriter& json, const Inspected& in) {
  json.key("Tmpfs").begin_object();
  for (const runtime::Mount& mount : in.spec.mounts)
    if (mount.type == "tmpfs" && !is_system_mount(mount))
      json.member(mount.destination, base::join(mount.options, ","));
  json.end_object();
}

void write_devices(JsonWriter& json, const Inspected& in) {
  json.key("Devices").begin_array();
  for (const runtime::Mount& mount : in.spec.mounts) {
    if (!is_device(mount)) continue;
    json.begin_object().member("PathOnHost", mount.source).member("PathInContainer", mount.destination);
    json.member("CgroupPermissions", "").end_object();
  }
  json.end_array();
}

void write_ulimits(JsonWriter& json, const Inspected& in) {
  json.key("Ulimits").begin_array();
  for (const runtime::Rlimit& limit : in.spec.process.rlimits)
    json.begin_object().member("Name", limit.type).member("Soft", limit.soft).member("Hard", limit.hard).end_object();
  json.end_array();
}

/// "private" with a namespace of its own, "host" without.
std::string mode_of(const Inspected& in, std::string_view kind, std::string_view own = "private") {
  for (const runtime::Namespace& one : in.spec.linux.namespaces) {
    if (one.type != kind) continue;
    if (const auto container = container_of_path(one.path)) return "container:" + *container;
    return one.path.empty() ? std::string{own} : "ns:" + one.path;
  }
  return "host";
}

std::uint64_t shm_bytes(const Inspected& in) {
  for (const runtime::Mount& mount : in.spec.mounts)
    for (const std::string& option : mount.options)
      if (mount.destination == "/dev/shm" && option.starts_with("size="))
        return base::parse_unsigned(std::string_view{option}.substr(5)).value_or(0);
  return 0;
}

void write_cpu(JsonWriter& json, const runtime::CpuResources& cpu) {
  json.member("CpuPeriod", cpu.period.value_or(0)).member("CpuQuota", cpu.quota.value_or(0));
  json.member("CpuRealtimePeriod", cpu.realtime_period.value_or(0));
  json.member("CpuRealtimeRuntime", cpu.realtime_runtime.value_or(0));
  json.member("CpusetCpus", cpu.cpus).member("CpusetMems", cpu.mems);
}

/// By the name that sysfs knows; the numbers where it does not.
std::string path_of_device(std::uint32_t major, std::uint32_t minor) {
  const std::string numbers = base::concat(major, ":", minor);
  for (const char* kind : {"block", "char"}) {
    char target[PATH_MAX];
    const ssize_t size = ::readlink(base::concat("/sys/dev/", kind, "/", numbers).c_str(), target, sizeof target);
    if (size <= 0) continue;
    const std::string_view path{target, static_cast<std::size_t>(size)};
    return base::concat("/dev/", path.substr(path.rfind('/') + 1));
  }
  return numbers;
}

std::int64_t nano_cpus(const runtime::CpuResources& cpu) {
  const auto period = static_cast<std::int64_t>(cpu.period.value_or(0));
  if (period <= 0 || cpu.quota.value_or(0) <= 0) return 0;
  return static_cast<std::int64_t>(static_cast<double>(*cpu.quota) * 1e9 / static_cast<double>(period));
}

void write_weights(JsonWriter& json, const std::vector<runtime::BlockWeight>& weights) {
  json.key("BlkioWeightDevice");
  if (weights.empty()) {
    json.null();
    return;
  }
  json.begin_array();
  for (const runtime::BlockWeight& one : weights)
    json.begin_object()
        .member("Path", path_of_device(one.major, one.minor))
        .member("Weight", static_cast<unsigned>(one.weight.value_or(0)))
        .end_object();
  json.end_array();
}

void write_block_io(JsonWriter& json, const runtime::BlockIoResources& io) {
  json.member("BlkioWeight", static_cast<unsigned>(io.weight.value_or(0)));
  write_weights(json, io.device_weights);
  for (const auto& [name, throttles] :
       {std::pair{"BlkioDeviceReadBps", &io.read_bps}, std::pair{"BlkioDeviceWriteBps", &io.write_bps},
        std::pair{"BlkioDeviceReadIOps", &io.read_iops}, std::pair{"BlkioDeviceWriteIOps", &io.write_iops}}) {
    json.key(name);
    if (throttles->empty()) {
      json.null();
      continue;
    }
    json.begin_array();
    for (const runtime::BlockThrottle& one : *throttles)
      json.begin_object().member("Path", path_of_device(one.major, one.minor)).member("Rate", one.rate).end_object();
    json.end_array();
  }
}

void write_cgroup_conf(JsonWriter& json, const Inspected& in) {
  const auto unified = runtime::parse_resources(in.spec.linux.resources_json).unified;
  json.key("CgroupConf");
  if (unified.empty()) {
    json.null();
    return;
  }
  json.begin_object();
  for (const auto& [file, value] : unified) json.member(file, value);
  json.end_object();
}

void write_limits(JsonWriter& json, const Inspected& in) {
  const runtime::Resources limits = runtime::parse_resources(in.spec.linux.resources_json);
  json.member("CpuShares", limits.cpu.shares.value_or(0));
  json.member("Memory", limits.memory.limit.value_or(0)).member("NanoCpus", nano_cpus(limits.cpu));
  json.member("CgroupParent", in.record.cgroup_parent);
  write_block_io(json, limits.block_io);
  write_cpu(json, limits.cpu);
  write_devices(json, in);
  json.member("DiskQuota", 0).member("KernelMemory", limits.memory.kernel.value_or(0));
  json.member("MemoryReservation", limits.memory.reservation.value_or(0));
  json.member("MemorySwap", limits.memory.swap.value_or(0));
  json.member("MemorySwappiness", limits.memory.swappiness.value_or(0));
  json.member("OomKillDisable", limits.memory.disable_oom_killer);
  if (in.record.init) json.member("Init", true);
  json.member("PidsLimit", limits.pids_limit.value_or(0));
  write_ulimits(json, in);
  for (const char* windows : {"CpuCount", "CpuPercent", "IOMaximumIOps", "IOMaximumBandwidth"}) json.member(windows, 0);
}

/// "10MB", "1.5kB": as podman says sizes.
std::string log_size_text(std::uint64_t bytes) {
  constexpr std::array units{"B", "kB", "MB", "GB", "TB"};
  double size = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (size >= 1000 && unit + 1 < units.size()) {
    size /= 1000;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g%s", size, units[unit]);
  return text.data();
}

bool keeps_file(const std::string& driver) {
  return driver != "none" && driver != "journald" && driver != "passthrough";
}

void write_log_config(JsonWriter& json, const Inspected& in) {
  const std::string own = in.watch.log_path.empty() ? in.folder + "/log" : in.watch.log_path;
  json.key("LogConfig").begin_object().member("Type", in.record.log_driver).key("Config").null();
  json.member("Path", keeps_file(in.record.log_driver) ? own : std::string{});
  const std::uint64_t size = in.watch.log_max_bytes;  // podman tells of the user's words only
  json.member("Tag", in.watch.log_tag).member("Size", size == Watch{}.log_max_bytes ? "0B" : log_size_text(size));
  json.end_object();
}

/// As the user asked for them: the caller's default map is nothing to speak of. Host ids are the host's own.
void write_id_mappings(JsonWriter& json, const Inspected& in) {
  json.member("UsernsMode", in.record.userns.empty() ? "" : "private");
  if (in.record.userns.empty()) return;
  json.key("IDMappings").begin_object();
  json.member("UidMap", in.record.uid_map).member("GidMap", in.record.gid_map).end_object();
}

void write_modes(JsonWriter& json, const Inspected& in) {
  json.member("IpcMode", mode_of(in, "ipc", "shareable")).member("Cgroup", "");
  json.member("Cgroups", in.record.cgroups == "disabled" ? "disabled" : "default");
  json.key("Links").null();
  json.member("OomScoreAdj", in.spec.process.oom_score_adj.value_or(0)).member("PidMode", mode_of(in, "pid"));
  json.member("Privileged", in.record.privileged).member("PublishAllPorts", in.record.publish_all);
  json.member("ReadonlyRootfs", in.record.read_only).member("SecurityOpt", in.record.security_opt);
  write_tmpfs(json, in);
  json.member("UTSMode", mode_of(in, "uts"));
  write_id_mappings(json, in);
  json.member("ShmSize", shm_bytes(in));
  json.member("Runtime", "oci").key("ConsoleSize").begin_array().value(0).value(0).end_array();
  json.member("Isolation", "");
}

/// The helper's options are not part of podman's word, and ports belong to the owner of the network.
void write_network_mode(JsonWriter& json, const Inspected& in) {
  const std::string& network = in.record.network;
  const bool has_options = rootless::is_user_network(network);
  json.member("NetworkMode", has_options ? network.substr(0, network.find(':')) : network).key("PortBindings");
  if (owns_network(network))
    write_port_map(json, in.record);
  else
    json.begin_object().end_object();
}

}  // namespace

void write_mounts(JsonWriter& json, const Inspected& in) {
  json.key("Mounts").begin_array();
  for (const runtime::Mount* mount : users_binds(in)) {
    const auto volume = volume_of(*mount);
    json.begin_object().member("Type", volume ? "volume" : "bind");
    if (volume) json.member("Name", *volume);
    json.member("Source", mount->source).member("Destination", mount->destination);
    json.member("Driver", volume ? "local" : "").member("Mode", "").member("Options", other_options(*mount));
    json.member("RW", !contains(mount->options, "ro")).member("Propagation", propagation_of(*mount));
    if (const std::string subpath = subpath_of(*mount); !subpath.empty()) json.member("SubPath", subpath);
    json.end_object();
  }
  json.end_array();
}

void write_host_config(JsonWriter& json, const Inspected& in) {
  json.key("HostConfig").begin_object();
  json.key("Binds").begin_array();
  for (const runtime::Mount* mount : users_binds(in)) json.value(bind_text(*mount));
  json.end_array();
  json.member("CgroupManager", in.cgroup_manager)
      .member("CgroupMode", mode_of(in, "cgroup"))
      .member("ContainerIDFile", in.record.cidfile);
  write_log_config(json, in);
  write_network_mode(json, in);
  json.key("RestartPolicy").begin_object().member("Name", in.watch.restart_policy);
  json.member("MaximumRetryCount", in.watch.restart_retries).end_object();
  json.member("AutoRemove", in.record.auto_remove).member("Annotations", in.spec.annotations);
  json.member("VolumeDriver", "").key("VolumesFrom").null();
  write_capabilities(json, in);
  json.member("Dns", in.record.dns).member("DnsOptions", in.record.dns_option);
  json.member("DnsSearch", in.record.dns_search).member("ExtraHosts", in.record.add_hosts);
  json.member("GroupAdd", in.record.group_add);
  write_modes(json, in);
  write_limits(json, in);
  write_cgroup_conf(json, in);
  json.end_object();
}

}  // namespace engine
