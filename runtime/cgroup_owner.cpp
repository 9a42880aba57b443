#include "runtime/cgroup_owner.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "runtime/cgroup_limits.hpp"

namespace runtime {
namespace {

constexpr const char* delegate_file = "/sys/kernel/cgroup/delegate";  // Linux 4.15
constexpr const char* delegate_default = "cgroup.procs\ncgroup.subtree_control\ncgroup.threads";
constexpr std::size_t max_delegate_bytes = 64 * 1024;

bool has_new_namespace(const Spec& spec, std::string_view type) {
  return std::any_of(spec.linux.namespaces.begin(), spec.linux.namespaces.end(),
                     [&](const Namespace& entry) { return entry.type == type && entry.path.empty(); });
}

bool is_writable_cgroup(const Mount& mount) {
  return mount.source == "cgroup" && mount.destination == "/sys/fs/cgroup" &&
         std::find(mount.options.begin(), mount.options.end(), "ro") == mount.options.end();
}

void give(int folder, const std::string& name, uid_t owner, bool is_rootless) {
  if (::fchownat(folder, name.c_str(), owner, static_cast<gid_t>(-1), AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) == 0) return;
  if (errno == ENOENT || (is_rootless && is_refusal(errno))) return;
  throw base::os_error("giving the cgroup to user ", owner);
}

}  // namespace

std::optional<uid_t> host_uid(const Spec& spec) {
  const std::uint32_t uid = spec.process.user.uid;
  if (!has_namespace(spec, "user")) return uid;
  for (const IdMapping& mapping : spec.linux.uid_mappings) {
    if (uid >= mapping.container_id && uid - mapping.container_id < mapping.size)
      return mapping.host_id + (uid - mapping.container_id);
  }
  return std::nullopt;  // a namespace to join, or no such user in it
}

std::optional<uid_t> cgroup_owner(const Spec& spec) {
  const bool is_writable = std::any_of(spec.mounts.begin(), spec.mounts.end(), is_writable_cgroup);
  if (!spec.has_process || !is_writable || !has_new_namespace(spec, "cgroup")) return std::nullopt;
  return host_uid(spec);
}

void give_cgroup(int folder, uid_t owner, bool is_rootless) {
  if (owner == ::geteuid()) return;
  give(folder, "", owner, is_rootless);
  const std::string files = base::try_read_file(AT_FDCWD, delegate_file, max_delegate_bytes).value_or(delegate_default);
  for (const std::string_view name : base::split(base::trim(files), '\n')) {
    if (!name.empty() && name.find('/') == std::string_view::npos) give(folder, std::string{name}, owner, is_rootless);
  }
}

}  // namespace runtime
