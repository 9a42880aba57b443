#include "rootless/cgroup.hpp"

#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/host_file.hpp"
#include "base/text.hpp"

namespace rootless {
namespace {

constexpr std::size_t max_cgroup_text_bytes = 64 * 1024;
constexpr const char* cgroup_root = "/sys/fs/cgroup";

bool is_filesystem(const char* path, unsigned long magic) {
  struct statfs facts {};
  return ::statfs(path, &facts) == 0 && static_cast<unsigned long>(facts.f_type) == magic;
}

bool may_change(const std::string& path) {
  const std::string directory = cgroup_root + path;
  return ::access(directory.c_str(), W_OK) == 0 && ::access((directory + "/cgroup.procs").c_str(), W_OK) == 0 &&
         ::access((directory + "/cgroup.subtree_control").c_str(), W_OK) == 0;
}

// The root cgroup cannot be delegated to an ordinary user; root may use it.
std::string highest_writable(std::string path) {
  std::string found;
  while (!path.empty() && may_change(path == "/" ? "" : path)) {
    found = path;
    if (path == "/") break;
    path.resize(path.rfind('/'));
    if (path.empty()) path = "/";
  }
  return found;
}

std::vector<std::string> controllers_of(const std::string& path) {
  const auto text = base::try_read_host_file(cgroup_root + path + "/cgroup.controllers", max_cgroup_text_bytes);
  std::vector<std::string> names;
  if (!text) return names;
  for (const std::string_view word : base::split(base::trim(*text), ' ')) {
    if (!word.empty()) names.emplace_back(word);
  }
  return names;
}

std::string user_manager_path(std::uint32_t uid) {
  return base::concat("/user.slice/user-", uid, ".slice/user@", uid, ".service");
}

}  // namespace

CgroupMode detect_cgroup_mode() {
  if (is_filesystem(cgroup_root, CGROUP2_SUPER_MAGIC)) return CgroupMode::v2;
  if (is_filesystem("/sys/fs/cgroup/unified", CGROUP2_SUPER_MAGIC)) return CgroupMode::hybrid;
  if (is_filesystem(cgroup_root, TMPFS_MAGIC)) return CgroupMode::v1;
  return CgroupMode::none;
}

std::string_view name_of(CgroupMode mode) {
  switch (mode) {
    case CgroupMode::v2:
      return "v2";
    case CgroupMode::hybrid:
      return "hybrid";
    case CgroupMode::v1:
      return "v1";
    case CgroupMode::none:
      break;
  }
  return "none";
}

std::string unified_path(std::string_view self_cgroup_text) {
  for (const std::string_view line : base::split(self_cgroup_text, '\n')) {
    if (line.starts_with("0::/")) return std::string{line.substr(3)};
  }
  return {};
}

Delegation find_delegation(const HostFacts& host) {
  if (host.cgroup != CgroupMode::v2) {
    return {.path = "", .why_none = base::concat("this host has cgroups ", name_of(host.cgroup), ", not v2")};
  }
  const auto text = base::try_read_host_file("/proc/self/cgroup", max_cgroup_text_bytes);
  Delegation result{.path = highest_writable(unified_path(text.value_or("")))};
  if (result.path.empty() && may_change(user_manager_path(host.uid))) result.path = user_manager_path(host.uid);
  if (result.path.empty()) {
    result.why_none = "no cgroup is delegated to this user (a systemd user session would bring one)";
  } else {
    result.controllers = controllers_of(result.path);
  }
  return result;
}

}  // namespace rootless
