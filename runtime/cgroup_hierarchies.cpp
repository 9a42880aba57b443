#include "runtime/cgroup_hierarchies.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/text.hpp"

namespace runtime {
namespace {

constexpr std::size_t max_mountinfo_bytes = 16 * 1024 * 1024;
constexpr std::size_t max_self_cgroup_bytes = 256 * 1024;
constexpr std::size_t max_component_bytes = 255;
constexpr std::size_t max_cgroup_path_bytes = 2048;

struct MountLine {
  std::uint64_t id = 0;
  std::string root, mount_point;
  std::string_view type, options;
};

/// proc(5): blanks, tabs, line ends and backslashes are written as three octal digits.
std::string unescape(std::string_view text) {
  const auto is_octal = [](char digit) { return digit >= '0' && digit <= '7'; };
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 3 < text.size() && is_octal(text[at + 1]) && is_octal(text[at + 2]) &&
        is_octal(text[at + 3])) {
      result.push_back(static_cast<char>((text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 + (text[at + 3] - '0')));
      at += 3;
    } else {
      result.push_back(text[at]);
    }
  }
  return result;
}

std::optional<MountLine> parse_mount_line(std::string_view line) {
  const std::vector<std::string_view> fields = base::split(line, ' ');
  const auto separator = std::find(fields.begin(), fields.end(), "-");
  if (separator - fields.begin() < 6 || fields.end() - separator < 4) return std::nullopt;
  const auto id = base::parse_unsigned(fields[0]);
  if (!id) return std::nullopt;
  return MountLine{.id = *id,
                   .root = unescape(fields[3]),
                   .mount_point = unescape(fields[4]),
                   .type = separator[1],
                   .options = separator[3]};
}

std::vector<std::string> words_of(std::string_view list) {
  std::vector<std::string> result;
  for (const std::string_view word : base::split(list, ',')) {
    if (!word.empty()) result.emplace_back(word);
  }
  std::sort(result.begin(), result.end());
  return result;
}

/// One line of /proc/self/cgroup: "4:memory:/path", "0::/path".
struct OwnCgroup {
  std::vector<std::string> controllers;
  std::string path;
};

std::vector<OwnCgroup> parse_self_cgroup(std::string_view text) {
  std::vector<OwnCgroup> result;
  for (const std::string_view line : base::split(text, '\n')) {
    const auto after_id = base::split_once(line, ':');
    const auto parts = after_id ? base::split_once(after_id->second, ':') : std::nullopt;
    if (parts) result.push_back({words_of(parts->first), std::string{parts->second}});
  }
  return result;
}

/// The line for a mount with these options, which hold the controllers among other words; v2 has no controllers.
const OwnCgroup* own_cgroup_of(const std::vector<OwnCgroup>& own, std::string_view options, bool is_unified) {
  const std::vector<std::string> words = words_of(options);
  for (const OwnCgroup& cgroup : own) {
    if (cgroup.controllers.empty() != is_unified) continue;
    if (is_unified || std::includes(words.begin(), words.end(), cgroup.controllers.begin(), cgroup.controllers.end()))
      return &cgroup;
  }
  return nullptr;
}

/// `path` as seen below a mount that shows `root`; "/" when it is not below it.
std::string below_root(const std::string& path, const std::string& root) {
  const bool is_outside = path.empty() || path.starts_with("/..") || root.starts_with("/..");
  if (is_outside) return "/";
  if (root == "/") return path;
  if (path.starts_with(root) && path.size() > root.size() && path[root.size()] == '/') return path.substr(root.size());
  return "/";
}

/// Keeps one mount a hierarchy: the first of its root, else the first.
struct Candidate {
  Hierarchy hierarchy;
  std::string root;
};

void add_candidate(std::vector<Candidate>& candidates, Candidate found) {
  for (Candidate& known : candidates) {
    if (known.hierarchy.controllers != found.hierarchy.controllers) continue;
    if (known.root != "/" && found.root == "/") known = std::move(found);
    return;
  }
  candidates.push_back(std::move(found));
}

bool is_reachable(const Hierarchy& hierarchy) {
  struct statx facts {};
  if (::statx(AT_FDCWD, hierarchy.mount_point.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_MNT_ID, &facts) !=
      0)
    return false;
  // Before Linux 5.8 the kernel does not tell which mount it is.
  return (facts.stx_mask & STATX_MNT_ID) == 0 || facts.stx_mnt_id == hierarchy.mount_id;
}

std::string without_unreachable_mounts(std::string_view mountinfo) {
  std::string result;
  for (const std::string_view line : base::split(mountinfo, '\n')) {
    const auto mount = parse_mount_line(line);
    if (!mount || (mount->type != "cgroup" && mount->type != "cgroup2")) continue;
    if (is_reachable({.mount_point = mount->mount_point, .mount_id = mount->id})) result.append(line).push_back('\n');
  }
  return result;
}

void append_component(std::string& path, std::string_view component, std::string_view whole) {
  if (component.empty() || component == ".") return;
  const auto is_control = [](char letter) { return static_cast<unsigned char>(letter) < ' '; };
  if (component == ".." || component.size() > max_component_bytes ||
      std::any_of(component.begin(), component.end(), is_control))
    throw base::make_error(base::ErrorKind::invalid_argument, "linux.cgroupsPath ", base::quoted(whole),
                           " is no usable path: ", base::quoted(component));
  path.append("/").append(component);
}

}  // namespace

Hierarchies parse_hierarchies(std::string_view mountinfo, std::string_view self_cgroup) {
  std::vector<Candidate> legacy, unified;
  const std::vector<OwnCgroup> own_cgroups = parse_self_cgroup(self_cgroup);
  for (const std::string_view line : base::split(mountinfo, '\n')) {
    auto mount = parse_mount_line(line);
    if (!mount || (mount->type != "cgroup" && mount->type != "cgroup2")) continue;
    const bool is_unified = mount->type == "cgroup2";
    const OwnCgroup* own = own_cgroup_of(own_cgroups, mount->options, is_unified);
    if (own == nullptr && !is_unified) continue;
    Hierarchy hierarchy{.mount_point = std::move(mount->mount_point), .mount_id = mount->id};
    hierarchy.own_path = below_root(own == nullptr ? "" : own->path, mount->root);
    if (own != nullptr) hierarchy.controllers = own->controllers;
    add_candidate(is_unified ? unified : legacy, {std::move(hierarchy), std::move(mount->root)});
  }
  Hierarchies result;
  if (!unified.empty()) result.unified = std::move(unified.front().hierarchy);
  for (Candidate& candidate : legacy) result.legacy.push_back(std::move(candidate.hierarchy));
  return result;
}

Hierarchies find_hierarchies() {
  const std::string mountinfo = base::read_file(AT_FDCWD, "/proc/self/mountinfo", max_mountinfo_bytes);
  const auto self_cgroup = base::try_read_file(AT_FDCWD, "/proc/self/cgroup", max_self_cgroup_bytes);
  return parse_hierarchies(without_unreachable_mounts(mountinfo), self_cgroup.value_or(""));
}

std::string choose_cgroup_path(std::string_view cgroups_path, std::string_view container_id, std::string_view base) {
  const std::string_view wanted = cgroups_path.empty() ? container_id : cgroups_path;
  std::string path;
  if (!wanted.starts_with('/')) {
    for (const std::string_view component : base::split(base, '/')) append_component(path, component, base);
  }
  const std::size_t base_bytes = path.size();
  for (const std::string_view component : base::split(wanted, '/')) append_component(path, component, wanted);
  if (path.size() == base_bytes || path.size() > max_cgroup_path_bytes)
    throw base::make_error(base::ErrorKind::invalid_argument, "linux.cgroupsPath ", base::quoted(wanted),
                           path.size() == base_bytes ? " names no cgroup of its own" : " is too long");
  return path;
}

}  // namespace runtime
