#include <cstdio>
#include <fcntl.h>
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
#include "engine/reconcile.hpp"
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

std::string uptime_text(long seconds) {
  return base::concat(seconds / 3600, "h ", seconds / 60 % 60, "m ", seconds % 60, "s");
}

void write_distribution(JsonWriter& json) {
  const std::string text = base::try_read_host_file("/etc/os-release", max_text_bytes).value_or("");
  json.key("distribution").begin_object().member("distribution", os_release(text, "ID"));
  json.member("version", os_release(text, "VERSION_ID")).end_object();
}

void write_memory(JsonWriter& json) {
  struct sysinfo facts {};
  if (::sysinfo(&facts) != 0) throw base::os_error("asking for memory and uptime");
  const std::uint64_t unit = facts.mem_unit;
  json.member("memFree", facts.freeram * unit).member("memTotal", facts.totalram * unit);
  json.member("swapFree", facts.freeswap * unit).member("swapTotal", facts.totalswap * unit);
  json.member("uptime", uptime_text(facts.uptime));
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
  json.member("rootless", engine.host.uid != 0).member("seccompEnabled", true);
  json.member("seccompProfilePath", engine.config.seccomp_profile.empty() ? "builtin" : engine.config.seccomp_profile);
  json.member("selinuxEnabled", ::access("/sys/fs/selinux/enforce", F_OK) == 0).end_object();
}

void write_network_helpers(JsonWriter& json, const rootless::HostFacts& host) {
  json.key("slirp4netns").begin_object().member("executable", host.slirp4netns).end_object();
  json.key("pasta").begin_object().member("executable", host.pasta).end_object();
}

void write_host(JsonWriter& json, Engine& engine, const rootless::Delegation& delegation) {
  utsname names{};
  ::uname(&names);
  json.key("host").begin_object().member("arch", oci::host_platform().architecture);
  json.member("cgroupControllers", delegation.controllers).member("cgroupManager", "none");
  json.member("cgroupVersion", engine.host.cgroup == rootless::CgroupMode::v2 ? "v2" : "v1");
  json.member("cpus", static_cast<std::int64_t>(::sysconf(_SC_NPROCESSORS_ONLN)));
  write_distribution(json);
  json.member("hostname", names.nodename).key("idMappings").begin_object();
  write_id_ranges(json, "gidmap", engine.host.id_map.gids);
  write_id_ranges(json, "uidmap", engine.host.id_map.uids);
  json.end_object().member("kernel", engine.host.kernel).member("logDriver", "k8s-file");
  write_memory(json);
  json.key("ociRuntime").begin_object().member("name", "engine").member("path", path_of_own_program("engine"));
  json.member("package", "built in").end_object();
  json.member("os", "linux").key("remoteSocket").begin_object().member("exists", false).end_object();
  write_security(json, engine);
  json.member("serviceIsRemote", false);
  write_network_helpers(json, engine.host);
  json.end_object();
}

/// Why there is what there is: the rungs that were taken, and what stands in the way of better ones.
void write_mode(JsonWriter& json, Engine& engine, const rootless::Delegation& delegation, const DriverChoice& driver) {
  const rootless::HostFacts& host = engine.host;
  json.key("mode").begin_object();
  json.key("ids").begin_object();
  json.member("kind", host.id_map.single ? "single" : host.writes_maps ? "own" : "subordinate");
  if (!host.single_reason.empty()) json.member("reason", host.single_reason);
  if (!host.single_hint.empty()) json.member("hint", host.single_hint);
  json.end_object().key("rootfs").begin_object();
  json.member("driver", storage::name_of(driver.driver)).member("reason", driver.reason);
  json.end_object().key("cgroup").begin_object().member("version", rootless::name_of(host.cgroup));
  json.member("delegated", delegation.path);
  if (!delegation.why_none.empty()) json.member("reason", delegation.why_none);
  json.end_object().key("network").begin_object();
  const std::string problem = rootless::user_network_problem(host);
  json.member("helper", !problem.empty() ? "none" : host.slirp4netns.empty() ? "pasta" : "slirp4netns");
  if (!problem.empty()) json.member("reason", problem);
  json.end_object().member("notes", engine.config.notes).end_object();
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
    if (observe(*container, engine.host.boot_id).is_running()) ++running;
  }
  json.key("containerStore").begin_object().member("number", all).member("paused", 0).member("running", running);
  json.member("stopped", all - running).end_object();
}

void write_store(JsonWriter& json, Engine& engine, const DriverChoice& driver) {
  const storage::Store& store = engine.store();
  struct statvfs space {};
  if (::fstatvfs(store.root(), &space) != 0) throw base::os_error("asking for the space of the store");
  const std::uint64_t unit = space.f_frsize;
  json.key("store").begin_object();
  write_container_store(json, engine);
  json.member("graphDriverName", storage::name_of(driver.driver)).member("graphRoot", store.root_path());
  json.member("graphRootAllocated", space.f_blocks * unit);
  json.member("graphRootUsed", (space.f_blocks - space.f_bfree) * unit);
  json.key("imageStore").begin_object();
  json.member("number", static_cast<std::uint64_t>(storage::list_images(store).size())).end_object();
  write_place(json, store);
  json.member("runRoot", store.run_path()).member("volumePath", store.root_path() + "/volumes").end_object();
}

}  // namespace

std::string info(Engine& engine) {
  const rootless::Delegation delegation = rootless::find_delegation(engine.host);
  const DriverChoice driver = find_driver(engine);
  JsonWriter json;
  json.begin_object();
  write_host(json, engine, delegation);
  json.key("plugins").begin_object().end_object();
  json.key("registries").begin_object().member("search", search_registries(engine.config)).end_object();
  write_store(json, engine, driver);
  write_mode(json, engine, delegation, driver);
  json.key("version").begin_object().member("Version", ENGINE_VERSION);
  json.member("OsArch", "linux/" + oci::host_platform().architecture).end_object();
  json.end_object();
  return json.take();
}

}  // namespace engine
