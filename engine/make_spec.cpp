#include "engine/make_spec.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "engine/network.hpp"
#include "runtime/spec_linux.hpp"

namespace engine {

using base::concat;

namespace {

bool is_covered(const SpecInputs& in, std::string_view destination) {
  return std::any_of(in.mounts.begin(), in.mounts.end(),
                     [&](const MountWord& mount) { return mount.destination == destination; });
}

runtime::Mount devpts(const rootless::IdMap& map) {
  runtime::Mount mount{
      "/dev/pts", "devpts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}};
  if (rootless::map_out(map.gids, 5)) mount.options.emplace_back("gid=5");  // tty; the kernel refuses unmapped ids
  return mount;
}

std::vector<runtime::Mount> system_mounts(const SpecInputs& in) {
  std::vector<runtime::Mount> mounts{
      {"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}},
      {"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
      {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", in.options.privileged ? "rw" : "ro"}},
      devpts(in.id_map),
  };
  if (in.options.ipc == "host") {
    if (in.host_has_mqueue)
      mounts.push_back({"/dev/mqueue", "bind", "/dev/mqueue", {"rbind", "nosuid", "noexec", "nodev"}});
    mounts.push_back({"/dev/shm", "bind", "/dev/shm", {"rbind", "nosuid", "noexec", "nodev"}});
  } else {
    mounts.push_back({"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}});
    if (in.options.ipc != "none")
      mounts.push_back(
          {"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", concat("size=", in.shm_bytes)}});
  }
  const char* access = in.around.is_systemd ? "rw" : "ro";
  mounts.push_back({"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", access}});
  return mounts;
}

void add_read_only_tmpfs(const SpecInputs& in, std::vector<runtime::Mount>& mounts) {
  if (!in.options.read_only || !in.options.read_only_tmpfs) return;
  for (const char* path : {"/run", "/tmp", "/var/tmp"})
    if (!is_covered(in, path))
      mounts.push_back({path, "tmpfs", "tmpfs", {"rw", "nosuid", "nodev", "mode=1777", "tmpcopyup"}});
}

/// What systemd wants to be its own. Source: podman-run(1) "--systemd".
void add_systemd_tmpfs(const SpecInputs& in, std::vector<runtime::Mount>& mounts) {
  constexpr std::pair<const char*, const char*> places[] = {
      {"/run", "mode=755"}, {"/run/lock", "mode=755"}, {"/tmp", "mode=1777"}, {"/var/log/journal", "mode=755"}};
  for (const auto& [path, mode] : places) {
    if (is_covered(in, path)) continue;
    mounts.push_back({path, "tmpfs", "tmpfs", {"rw", "nosuid", "nodev", "rprivate", mode, "tmpcopyup"}});
    if (in.systemd_tmpfs_bytes > 0) mounts.back().options.push_back(concat("size=", in.systemd_tmpfs_bytes));
  }
}

runtime::Mount user_mount(const MountWord& word, const rootless::IdMap& id_map) {
  if (word.kind == MountWord::Kind::tmpfs) return {word.destination, "tmpfs", "tmpfs", word.options};
  if (word.kind == MountWord::Kind::devpts) return {word.destination, "devpts", "devpts", word.options};
  if (word.is_overlay) {
    runtime::Mount overlay{word.destination, "overlay", "overlay", word.options};
    overlay.options.insert(overlay.options.end(), {"nosuid", "nodev"});  // as a bind of the same folder
    return overlay;
  }
  runtime::Mount bind{word.destination, "bind", word.source, word.options};
  if (word.id_map) apply_id_map(*word.id_map, id_map, bind);
  return bind;
}

/// Parents before children, so that a mount on /data does not hide one on /data/cache; otherwise as the user wrote.
void sort_by_depth(std::vector<runtime::Mount>& mounts) {
  const auto depth = [](const runtime::Mount& mount) {
    return std::count(mount.destination.begin(), mount.destination.end(), '/');
  };
  std::stable_sort(mounts.begin(), mounts.end(), [&](const auto& a, const auto& b) { return depth(a) < depth(b); });
}

std::vector<runtime::Mount> all_mounts(const SpecInputs& in) {
  std::vector<runtime::Mount> mounts;
  for (runtime::Mount& mount : system_mounts(in))
    if (!is_covered(in, mount.destination)) mounts.push_back(std::move(mount));
  std::vector<runtime::Mount> wanted;
  if (in.around.is_systemd)
    add_systemd_tmpfs(in, wanted);
  else
    add_read_only_tmpfs(in, wanted);
  for (const MountWord& word : in.mounts) wanted.push_back(user_mount(word, in.id_map));
  sort_by_depth(wanted);
  mounts.insert(mounts.end(), wanted.begin(), wanted.end());
  const char* const access = in.options.read_only ? "ro" : "rw";
  for (const auto& [host_path, path] : in.files)
    if (!is_covered(in, path))
      mounts.push_back({path, "bind", host_path, {"bind", "rprivate", "nosuid", "nodev", "noexec", access}});
  mounts.insert(mounts.end(), in.devices.begin(), in.devices.end());
  mounts.insert(mounts.end(), in.around.mounts.begin(), in.around.mounts.end());
  return mounts;
}

std::vector<runtime::Namespace> namespaces(const SpecInputs& in) {
  const auto path_of = [&](const char* type) {
    const auto found = in.around.joined.find(type);
    return found == in.around.joined.end() ? std::string{} : found->second;
  };
  std::vector<runtime::Namespace> result{{"user", path_of("user")}, {"mount", ""}};
  if (in.options.pid != "host") result.push_back({"pid", path_of("pid")});
  if (in.options.ipc != "host") result.push_back({"ipc", path_of("ipc")});
  if (in.options.uts != "host") result.push_back({"uts", path_of("uts")});
  if (in.options.cgroupns != "host") result.push_back({"cgroup", path_of("cgroup")});
  if (in.network != "host") result.push_back({"network", path_of("network")});
  return result;
}

std::vector<runtime::IdMapping> mappings(const std::vector<rootless::IdRange>& ranges) {
  std::vector<runtime::IdMapping> result;
  for (const rootless::IdRange& range : ranges) result.push_back({range.inside, range.outside, range.count});
  return result;
}

runtime::Process make_process(const SpecInputs& in) {
  runtime::Process process;
  process.terminal = in.options.tty;
  process.user = {
      .uid = in.user.uid, .gid = in.user.gid, .umask = in.around.umask, .additional_gids = in.user.additional_gids};
  if (in.id_map.single) process.user.additional_gids.clear();  // setgroups is denied there
  process.args = in.argv;
  process.env = in.env;
  process.oom_score_adj = in.around.oom_score_adj;
  process.cwd = in.work_dir;
  process.capabilities = capabilities_for(in.security, in.user.uid);
  process.rlimits = in.rlimits;
  process.no_new_privileges = in.security.no_new_privileges;
  process.apparmor_profile = in.security.apparmor;
  return process;
}

/// Without CAP_NET_RAW this is what lets ping work; it is per network namespace and covers the mapped groups.
constexpr std::string_view ping_setting = "net.ipv4.ping_group_range";

/// Whether a setting of the kernel is one of a namespace that the container has for itself.
bool is_own_setting(std::string_view name, const SpecInputs& in) {
  const auto is_own = [&](const char* kind, const std::string& mode) {
    return mode != "host" && in.around.joined.count(kind) == 0;
  };
  const std::string_view kind = runtime::namespace_of_sysctl(name);
  if (kind == "network") return owns_network(in.network);
  if (kind == "uts") return is_own("uts", in.options.uts);
  return kind != "ipc" || is_own("ipc", in.options.ipc);  // what is of no kind is refused by its name
}

std::vector<std::pair<std::string, std::string>> sysctls(const SpecInputs& in) {
  std::vector<std::pair<std::string, std::string>> result;
  const auto set = [&](std::string_view name, std::string_view value) {
    std::erase_if(result, [&](const auto& one) { return one.first == name; });
    result.emplace_back(name, value);
  };
  if (owns_network(in.network) && !in.id_map.single) set(ping_setting, "0 0");
  for (const std::string& word : in.default_sysctls)
    if (const auto pair = base::split_once(word, '=');
        pair && pair->first != ping_setting && is_own_setting(pair->first, in))
      set(pair->first, pair->second);
  for (const std::string& word : in.options.sysctls)
    if (const auto pair = base::split_once(word, '=')) set(pair->first, pair->second);
  return result;
}

}  // namespace

runtime::Spec make_spec(const SpecInputs& in) {
  runtime::Spec spec;
  spec.process = make_process(in);
  spec.root_path = in.root_path;
  spec.root_readonly = in.options.read_only;
  if (in.options.uts != "host" && in.around.joined.count("uts") == 0) spec.hostname = in.hostname;
  spec.domainname = in.options.domainname;
  if (!in.options.personality.empty()) spec.linux.personality = in.options.personality;
  spec.mounts = all_mounts(in);
  spec.linux.uid_mappings = mappings(in.id_map.uids);
  spec.linux.gid_mappings = mappings(in.id_map.gids);
  spec.linux.namespaces = namespaces(in);
  spec.linux.sysctl = sysctls(in);
  spec.linux.masked_paths = in.security.masked_paths;
  spec.linux.readonly_paths = in.security.readonly_paths;
  spec.linux.seccomp_json = in.seccomp_json;
  for (const std::string& word : in.options.annotations)
    if (const auto pair = base::split_once(word, '=')) {
      std::erase_if(spec.annotations, [&](const auto& one) { return one.first == pair->first; });
      spec.annotations.emplace_back(pair->first, pair->second);
    }
  return spec;
}

}  // namespace engine
