#include <algorithm>
#include <array>
#include <cstdio>
#include <fcntl.h>
#include <numeric>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/host_file.hpp"
#include "base/json_writer.hpp"
#include "base/oci/platform.hpp"
#include "engine/driver.hpp"
#include "engine/external_runtime.hpp"
#include "engine/mode.hpp"
#include "engine/reconcile.hpp"
#include "engine/security.hpp"
#include "engine/start_cgroup.hpp"
#include "engine/toml_file.hpp"
#include "engine/verbs.hpp"
#include "rootless/cgroup.hpp"
#include "rootless/network.hpp"
#include "storage/containers.hpp"
#include "storage/images.hpp"
#include "storage/overlay.hpp"
#include "storage/place.hpp"

namespace engine {
namespace {

using base::JsonWriter;

constexpr std::size_t max_text_bytes = 4 * 1024 * 1024;

/// A value of os-release(5), its quotes taken off.
std::string os_release(std::string_view text, std::string_view key) {
  for (const std::string_view line : base::split(text, '\n')) {
    const auto pair = base::split_once(line, '=');
    if (!pair || pair->first != key) continue;
    std::string_view value = base::trim(pair->second);
    if (value.size() >= 2 && value.front() == value.back() && (value.front() == '"' || value.front() == '\'')) {
      value = value.substr(1, value.size() - 2);
    }
    return std::string{value};
  }
  return "unknown";
}

/// "13h 11m 12.00s (Approximately 0.55 days)"
std::string uptime_text(long seconds) {
  std::array<char, 32> days{};
  std::snprintf(days.data(), days.size(), "%.2f", static_cast<double>(seconds) / 86400);
  std::string text = base::concat(seconds % 60, ".00s");
  if (seconds >= 60) text.insert(0, base::concat(seconds / 60 % 60, "m "));
  if (seconds < 3600) return text;
  return base::concat(seconds / 3600, "h ", text, " (Approximately ", days.data(), " days)");
}

/// Two decimals, as podman rounds.
double percent_of(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>((part * 10000 + whole / 2) / whole) / 100;
}

/// Of the time since the start of the host. Source: proc(5), /proc/stat.
void write_cpu_utilization(JsonWriter& json) {
  std::string text = base::try_read_host_file("/proc/stat", max_text_bytes).value_or("");
  text.resize(std::min(text.find('\n'), text.size()));  // the line of all CPUs
  std::vector<std::uint64_t> times;
  for (const std::string_view word : base::split(text, ' '))
    if (const auto time = base::parse_unsigned(word)) times.push_back(*time);
  times.resize(8);  // user nice system idle iowait irq softirq steal
  const std::uint64_t all = std::accumulate(times.begin(), times.end(), std::uint64_t{0});
  json.key("cpuUtilization").begin_object().member("userPercent", percent_of(times[0] + times[1], all));
  json.member("systemPercent", percent_of(times[2], all)).member("idlePercent", percent_of(times[3], all)).end_object();
}

void write_distribution(JsonWriter& json) {
  const std::string text = base::try_read_host_file("/etc/os-release", max_text_bytes).value_or("");
  json.key("distribution").begin_object().member("distribution", os_release(text, "ID"));
  json.member("version", os_release(text, "VERSION_ID"));
  if (const std::string name = os_release(text, "VERSION_CODENAME"); name != "unknown") json.member("codename", name);
  json.end_object();
}

void write_id_ranges(JsonWriter& json, std::string_view name, const std::vector<rootless::IdRange>& ranges) {
  json.key(name).begin_array();
  for (const rootless::IdRange& range : ranges) {
    json.begin_object().member("container_id", range.inside).member("host_id", range.outside);
    json.member("size", range.count).end_object();
  }
  json.end_array();
}

void write_security(JsonWriter& json, const Engine& engine) {
  json.key("security").begin_object();
  json.member("apparmorEnabled",
              ::access("/sys/module/apparmor/parameters/enabled", F_OK) == 0 && engine.host.uid == 0);
  json.member("capabilities", base::join(default_capability_names(engine.config.defaults.capabilities), ","));
  json.member("rootless", engine.host.uid != 0).member("seccompEnabled", true);
  json.member("seccompProfilePath", engine.config.seccomp_profile.empty() ? "builtin" : engine.config.seccomp_profile);
  json.member("selinuxEnabled", ::access("/sys/fs/selinux/enforce", F_OK) == 0).end_object();
}

void write_network_helpers(JsonWriter& json, const rootless::HostFacts& host) {
  json.key("slirp4netns").begin_object().member("executable", host.slirp4netns).member("package", "");
  json.member("version", "").end_object();
  json.key("pasta").begin_object().member("executable", host.pasta).member("package", "").member("version", "");
  json.end_object();
}

void write_runtime(JsonWriter& json, const Config& config) {
  if (const std::string name = runtime_of_new(config); !name.empty()) {
    const ExternalRuntime runtime = find_external_runtime(config, name, {});
    json.key("ociRuntime").begin_object().member("name", name).member("package", "");
    json.member("path", runtime.path).member("version", version_of(runtime)).end_object();
    return;
  }
  json.key("ociRuntime").begin_object().member("name", "engine").member("package", "built in");
  json.member("path", path_of_own_program("engine")).member("version", "engine " ENGINE_VERSION).end_object();
}

/// From the memory on, in podman's order.
void write_from_memory_on(JsonWriter& json, const Engine& engine) {
  struct sysinfo facts {};
  if (::sysinfo(&facts) != 0) throw base::os_error("asking for memory and uptime");
  const std::uint64_t unit = facts.mem_unit;
  json.member("memFree", facts.freeram * unit).member("memTotal", facts.totalram * unit);
  json.member("networkBackend", "none");
  write_runtime(json, engine.config);
  json.member("os", "linux").key("remoteSocket").begin_object().member("path", "").end_object();
  json.member("serviceIsRemote", false);
  write_security(json, engine);
  write_network_helpers(json, engine.host);
  json.member("swapFree", facts.freeswap * unit).member("swapTotal", facts.totalswap * unit);
  json.member("uptime", uptime_text(facts.uptime)).member("linkmode", "static");
}

void write_host(JsonWriter& json, Engine& engine, const rootless::Delegation& delegation) {
  utsname names{};
  ::uname(&names);
  json.key("host").begin_object().member("arch", oci::host_platform().architecture).member("buildahVersion", "");
  json.member("cgroupManager", name_of_cgroup_manager(engine.config));
  json.member("cgroupVersion", engine.host.cgroup == rootless::CgroupMode::v2 ? "v2" : "v1");
  json.member("cgroupControllers", delegation.controllers);
  json.key("conmon").begin_object().member("package", "built in").member("path", path_of_own_program("engine"));
  json.member("version", "engine " ENGINE_VERSION).end_object();
  json.member("cpus", static_cast<std::int64_t>(::sysconf(_SC_NPROCESSORS_ONLN)));
  write_cpu_utilization(json);
  write_distribution(json);
  json.member("eventLogger", engine.config.events_logger)
      .member("hostname", names.nodename)
      .key("idMappings")
      .begin_object();
  write_id_ranges(json, "gidmap", engine.host.id_map.gids);
  write_id_ranges(json, "uidmap", engine.host.id_map.uids);
  json.end_object().member("kernel", engine.host.kernel).member("logDriver", engine.config.log_driver);
  write_from_memory_on(json, engine);
  json.end_object();
}

/// What stands in the way of a faster or safer store.
void write_place(JsonWriter& json, const storage::Store& store) {
  const storage::PlaceFacts facts = storage::probe_place(base::open_directory(store.root(), "staging").get());
  json.key("place").begin_object().member("fileSystem", storage::file_system_name(facts.magic));
  json.member("readOnly", facts.is_read_only).member("userXattrs", facts.has_user_xattrs);
  json.member("unnamedFiles", facts.has_unnamed_files).member("renameExchange", facts.has_exchange);
  json.member("renameNoReplace", facts.has_no_replace).member("notes", storage::explain_place(facts)).end_object();
  json.key("sharedStores").begin_array();
  for (const storage::SharedStore& shared : store.shared()) json.value(shared.path);
  json.end_array();
}

/// Texts, as podman's.
void write_graph_status(JsonWriter& json, const storage::Store& store, const DriverChoice& driver) {
  const storage::PlaceFacts facts = storage::probe_place(base::open_directory(store.root(), "staging").get());
  const bool is_overlay = storage::name_of(driver.driver) == "overlay";
  json.key("graphStatus").begin_object().member("Backing Filesystem", storage::file_system_name(facts.magic));
  json.member("Native Overlay Diff", is_overlay ? "true" : "false").member("Supports d_type", "true");
  json.member("Using metacopy", "false").end_object();
}

/// The last file that says something wins. Source: containers-registries.conf(5).
std::vector<std::string> search_registries(const Config& config) {
  std::vector<std::string> search;
  for (const std::string& path : config.registries_conf) {
    const std::optional<std::string> text = base::try_read_host_file(path, max_text_bytes);
    if (!text || !mentions(*text, {"unqualified-search-registries"})) continue;
    const auto found = TomlFile::parse(*text, path).strings("unqualified-search-registries");
    if (found) search = *found;
  }
  return search.empty() && config.registries_conf.empty() ? std::vector<std::string>{"docker.io"} : search;
}

void write_container_store(JsonWriter& json, Engine& engine) {
  unsigned all = 0;
  unsigned running = 0;
  for (const std::string& id : storage::list_container_ids(engine.store())) {
    const auto container = storage::open_container(engine.store(), id);
    if (!container) continue;
    ++all;
    if (observe(*container, engine.host.boot_id).is_started()) ++running;
  }
  json.key("containerStore").begin_object().member("number", all).member("paused", 0).member("running", running);
  json.member("stopped", all - running).end_object();
}

void write_store(JsonWriter& json, Engine& engine, const DriverChoice& driver) {
  const storage::Store& store = engine.store();
  struct statvfs space {};
  if (::fstatvfs(store.root(), &space) != 0) throw base::os_error("asking for the space of the store");
  const std::uint64_t unit = space.f_frsize;
  json.key("store").begin_object().member("configFile", "");
  write_container_store(json, engine);
  json.member("graphDriverName", storage::name_of(driver.driver)).key("graphOptions").begin_object().end_object();
  json.member("graphRoot", store.root_path());
  json.member("graphRootAllocated", space.f_blocks * unit);
  json.member("graphRootUsed", (space.f_blocks - space.f_bfree) * unit);
  write_graph_status(json, store, driver);
  json.member("imageCopyTmpDir", engine.config.spool.folder);
  json.key("imageStore").begin_object();
  json.member("number", static_cast<std::uint64_t>(storage::list_images(store).size())).end_object();
  json.member("runRoot", store.run_path()).member("volumePath", store.root_path() + "/volumes");
  write_place(json, store);
  json.end_object();
}

}  // namespace

std::string info(Engine& engine) {
  const rootless::Delegation delegation = rootless::find_delegation(engine.host);
  const DriverChoice driver = find_driver(engine);
  JsonWriter json;
  json.begin_object();
  write_host(json, engine, delegation);
  write_store(json, engine, driver);
  json.key("registries").begin_object().member("search", search_registries(engine.config)).end_object();
  json.key("plugins").begin_object().key("volume").begin_array().value("local").end_array();
  json.key("network").begin_array().end_array().key("log").begin_array();
  for (const char* name : {"k8s-file", "none", "passthrough", "journald"}) json.value(name);
  json.end_array();
  json.key("authorization").null().end_object();
  json.key("version").begin_object().member("APIVersion", ENGINE_VERSION).member("Version", ENGINE_VERSION);
  json.member("GoVersion", "").member("GitCommit", "").member("BuiltTime", "Thu Jan  1 00:00:00 1970");
  json.member("Built", 0).member("OsArch", "linux/" + oci::host_platform().architecture).member("Os", "linux");
  json.end_object();
  write_mode(json, engine, delegation, driver);
  json.end_object();
  return json.take();
}

}  // namespace engine
