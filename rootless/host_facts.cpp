#include "rootless/host_facts.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/host_file.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "rootless/cgroup.hpp"
#include "rootless/id_choice.hpp"
#include "rootless/newidmap.hpp"
#include "rootless/places.hpp"
#include "rootless/user_database.hpp"

namespace rootless {
namespace {

constexpr std::size_t max_proc_text_bytes = 64 * 1024;
constexpr std::size_t max_subid_bytes = 4 * 1024 * 1024;

std::string text_of(const char* path, std::size_t limit_bytes = max_proc_text_bytes) {
  return base::try_read_host_file(path, limit_bytes).value_or("");
}

// CAP_SETFCAP because a map that holds id 0 of our namespace needs it. Source: user_namespaces(7), Linux 5.12.
bool has_all(std::initializer_list<unsigned> capabilities) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return false;
  return std::all_of(capabilities.begin(), capabilities.end(), [&](unsigned capability) {
    return (sets[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability)) != 0;
  });
}

bool may_write_any_map() {
  return has_all({CAP_SETUID, CAP_SETGID, CAP_SETFCAP});
}

void look_at_user(HostFacts& facts) {
  facts.uid = ::geteuid();
  facts.gid = ::getegid();
  facts.secure_environment = has_secure_environment();
  const std::optional<UserEntry> entry = look_up_user(facts.uid);
  facts.user_name = entry ? entry->name : base::concat(facts.uid);
  facts.shell = entry ? entry->shell : "";
  const std::optional<std::string> home = environment("HOME");
  facts.home = home && home->starts_with('/') ? *home : entry ? entry->home : "/";
}

void look_at_places(HostFacts& facts) {
  Places places = find_places(facts.uid, facts.home);
  facts.data_dir = std::move(places.data);
  facts.config_dir = std::move(places.config);
  facts.cache_dir = std::move(places.cache);
  facts.run_dir = std::move(places.run);
}

void look_at_ids(HostFacts& facts) {
  IdMapHelper uid_helper = find_id_map_helper("newuidmap", CAP_SETUID);
  IdMapHelper gid_helper = find_id_map_helper("newgidmap", CAP_SETGID);
  IdCircumstances circumstances{.uid = facts.uid, .gid = facts.gid, .user_name = facts.user_name};
  circumstances.may_write_any_map = facts.writes_maps = may_write_any_map();
  facts.may_only_chroot = facts.uid == 0 && facts.writes_maps && !has_all({CAP_SYS_ADMIN}) &&
                          has_all({CAP_SYS_CHROOT, CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER});
  circumstances.available_uids = parse_available_ids(text_of("/proc/self/uid_map"));
  circumstances.available_gids = parse_available_ids(text_of("/proc/self/gid_map"));
  circumstances.helper_problem = !uid_helper.problem.empty() ? uid_helper.problem : gid_helper.problem;
  if (!facts.writes_maps && circumstances.helper_problem.empty()) {
    circumstances.subordinate = find_subordinate_ids(facts.user_name, facts.uid);
    if (circumstances.subordinate.uids.empty() || circumstances.subordinate.gids.empty()) {
      circumstances.free_subid = std::max(next_free_subid(text_of("/etc/subuid", max_subid_bytes)),
                                          next_free_subid(text_of("/etc/subgid", max_subid_bytes)));
    }
  }
  IdChoice choice = choose_id_map(circumstances);
  facts.newuidmap = std::move(uid_helper.path);
  facts.newgidmap = std::move(gid_helper.path);
  facts.id_map = std::move(choice.map);
  facts.single_reason = std::move(choice.single_reason);
  facts.single_hint = std::move(choice.single_hint);
}

void look_at_kernel(HostFacts& facts) {
  facts.cgroup = detect_cgroup_mode();
  utsname names{};
  if (::uname(&names) == 0) facts.kernel = names.release;
  facts.boot_id = base::trim(text_of("/proc/sys/kernel/random/boot_id"));
  facts.fuse_overlayfs = base::find_program("fuse-overlayfs").value_or("");
  facts.slirp4netns = base::find_program("slirp4netns").value_or("");
  facts.pasta = base::find_program("pasta").value_or("");
  facts.has_dev_fuse = ::access("/dev/fuse", R_OK | W_OK) == 0;
  facts.has_dev_tun = ::access("/dev/net/tun", R_OK | W_OK) == 0;
}

}  // namespace

std::optional<std::string> environment(const char* name) {
  if (!has_secure_environment()) return std::nullopt;
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>{value};
}

HostFacts look_at_host() {
  HostFacts facts;
  look_at_user(facts);
  look_at_places(facts);
  look_at_ids(facts);
  look_at_kernel(facts);
  return facts;
}

}  // namespace rootless
