#include "runtime/cgroup_make.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "runtime/cgroup_folder.hpp"

namespace runtime {
namespace {

using base::concat;
using base::quoted;

constexpr const char* supervisor_name = "supervisor";  // as podman calls it
constexpr int max_vacating_rounds = 100;
constexpr const char* in_use_hint = "end what runs there, or choose another linux.cgroupsPath";
constexpr std::chrono::seconds removal_patience{1};

/// Those with limits in the specification; others cost memory and bring nothing.
constexpr std::string_view useful_controllers[] = {"cpu", "cpuset", "hugetlb", "io", "memory", "pids", "rdma"};

std::vector<std::string> words_of_control(int folder, const std::string& file) {
  std::vector<std::string> words;
  const auto text = try_read_control(folder, file);
  if (!text) return words;
  for (const std::string_view word : base::split(base::trim(*text), ' ')) {
    if (!word.empty()) words.emplace_back(word);
  }
  return words;
}

bool contains(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

void note_problem(CgroupMaking& making, std::string_view controller, std::string problem) {
  const auto is_known = [&](const auto& entry) { return entry.first == controller; };
  if (std::none_of(making.problems.begin(), making.problems.end(), is_known))
    making.problems.emplace_back(controller, std::move(problem));
}

std::string why_not_enabled(int code, std::string_view controller, const std::string& path) {
  // "No internal processes" of cgroups(7).
  if (code == EBUSY)
    return concat("cgroup ", quoted(path), " holds processes itself, so it cannot give the ", controller,
                  " controller to cgroups below it");
  return base::error_from_code(code, concat("enabling the ", controller, " controller below cgroup ", quoted(path)))
      .message();
}

/// Non-root cgroups only: the root may hold processes and give controllers.
bool holds_processes(int folder) {
  return ::faccessat(folder, "cgroup.type", F_OK, 0) == 0 &&
         try_read_control(folder, "cgroup.procs").value_or("") != "";
}

/// Moves our own processes out of the way of containers, as who is given a cgroup is meant to. What forks meanwhile is
/// moved in another round.
void vacate(int folder) {
  if (::mkdirat(folder, supervisor_name, 0755) != 0 && errno != EEXIST) return;
  const std::string members = concat(supervisor_name, "/cgroup.procs");
  for (int round = 0; round < max_vacating_rounds && holds_processes(folder); ++round) {
    const std::string pids = try_read_control(folder, "cgroup.procs").value_or("");
    for (const std::string_view pid : base::split(base::trim(pids), '\n')) {
      const int code = write_control(folder, members, pid);
      if (code != 0 && code != ESRCH) return;
    }
  }
}

/// Limits that need what cannot be enabled fail later, with the problem noted here; what nobody asked for is no loss.
void enable_controllers(int folder, const std::string& path, bool is_vacated, CgroupMaking& making) {
  const std::vector<std::string> available = words_of_control(folder, "cgroup.controllers");
  const std::vector<std::string> enabled = words_of_control(folder, "cgroup.subtree_control");
  std::vector<std::string> missing;
  for (const std::string_view controller : useful_controllers) {
    if (!contains(available, controller))
      note_problem(making, controller,
                   concat("cgroup ", quoted(path), " does not have the ", controller, " controller"));
    else if (!contains(enabled, controller))
      missing.push_back(concat("+", controller));
  }
  if (missing.empty()) return;
  if (is_vacated) vacate(folder);
  // Enabling cpu and pids alone would succeed, and turn the cgroup into a threaded one, of no use to containers.
  const bool is_inhabited = holds_processes(folder);
  if (!is_inhabited && write_control(folder, "cgroup.subtree_control", base::join(missing, " ")) == 0) return;
  for (const std::string& word : missing) {
    const int code = is_inhabited ? EBUSY : write_control(folder, "cgroup.subtree_control", word);
    if (code != 0) note_problem(making, word.substr(1), why_not_enabled(code, word.substr(1), path));
  }
}

void inherit_cpuset(int parent, int folder) {
  for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
    const auto own = try_read_control(folder, file);
    if (!own || !base::trim(*own).empty()) continue;
    const auto inherited = try_read_control(parent, file);
    const int code = inherited ? write_control(folder, file, base::trim(*inherited)) : ENOENT;
    if (code != 0) throw base::error_from_code(code, concat("inheriting ", quoted(file), " from the cgroup above"));
  }
}

bool is_frozen_folder(int folder) {
  return base::trim(try_read_control(folder, "cgroup.freeze").value_or("0")) == "1" ||
         base::trim(try_read_control(folder, "freezer.state").value_or("THAWED")) != "THAWED";
}

/// Two containers in one cgroup would share their limits and end together.
void check_unused(int folder, const std::string& path) {
  if (is_populated(folder))
    throw base::make_error(base::ErrorKind::in_use, "cgroup ", quoted(path), " is in use: it holds processes")
        .with_hint(in_use_hint);
  if (is_frozen_folder(folder))
    throw base::make_error(base::ErrorKind::in_use, "cgroup ", quoted(path), " is frozen").with_hint(in_use_hint);
}

base::Error making_error(int code, const std::string& path) {
  base::Error error = base::error_from_code(code, concat("making cgroup ", quoted(path)));
  if (code == EAGAIN) return std::move(error).with_hint("see cgroup.max.descendants and cgroup.max.depth above it");
  if (is_refusal(code)) return std::move(error).with_hint("--cgroup-manager=disabled does without cgroups");
  return error;
}

/// Whether a folder was made; a folder that exists is fine. Rootless refusals are noted.
enum class Made { yes, existed, refused };
Made make_one(int parent, const std::string& name, const std::string& path, CgroupMaking& making) {
  if (::mkdirat(parent, name.c_str(), 0755) == 0) {
    making.made.push_back(path);
    // Our umask is strict, but a container that looks at its cgroup is another user.
    if (::fchmodat(parent, name.c_str(), 0755, 0) != 0) throw base::os_error("setting the mode of ", quoted(path));
    return Made::yes;
  }
  if (errno == EEXIST) return Made::existed;
  base::Error error = making_error(errno, path);
  if (!making.is_rootless || !is_refusal(error.code())) throw error;
  if (making.why_none.empty()) making.why_none = error.message();
  return Made::refused;
}

/// A folder of its own for the new container, for the record of an earlier one may still name the one that is there.
/// False when that cannot be removed: who is given just this cgroup, and not the one above, keeps it.
bool remove_unused(int folder, const std::string& path, const CgroupMaking& making) {
  check_unused(folder, path);
  try {
    remove_cgroup(path, std::chrono::steady_clock::now() + removal_patience);
    return true;
  } catch (const base::Error& error) {
    if (error.kind() == base::ErrorKind::in_use) throw base::Error{error}.with_hint(in_use_hint);
    if (!making.is_rootless || !is_refusal(error.code())) throw;
  }
  // A cgroup that gives controllers to children takes no processes.
  for (const std::string& controller : words_of_control(folder, "cgroup.subtree_control"))
    write_control(folder, "cgroup.subtree_control", concat("-", controller));
  return false;
}

/// Rootless: root may have a cgroup of the same name, in which we may do nothing.
bool is_ours(int folder, const std::string& path, CgroupMaking& making) {
  if (!making.is_rootless || ::faccessat(folder, "cgroup.procs", W_OK, AT_EACCESS) == 0) return true;
  if (making.why_none.empty()) making.why_none = concat("cgroup ", quoted(path), " belongs to another user");
  return false;
}

base::UniqueFd open_below(int parent, const std::string& name, const std::string& path) {
  base::UniqueFd folder{::openat(parent, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!folder) throw base::os_error("opening cgroup ", quoted(path));
  return folder;
}

/// What is at the last place of the path already; empty when rootless and refused.
base::UniqueFd take_over(int parent, const std::string& name, const std::string& path, bool is_unified,
                         CgroupMaking& making) {
  base::UniqueFd folder = open_below(parent, name, path);
  const bool is_systemds = making.may_exist && is_unified;
  if (!is_systemds && !is_ours(folder.get(), path, making)) return {};
  if (making.may_exist || !remove_unused(folder.get(), path, making)) return folder;
  const Made made = make_one(parent, name, path, making);
  if (made == Made::existed)
    throw base::make_error(base::ErrorKind::in_use, "cgroup ", quoted(path), " was taken by another container")
        .with_hint(in_use_hint);
  return made == Made::yes ? open_below(parent, name, path) : base::UniqueFd{};
}

bool may_write(const std::string& path) {
  return ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0;
}

}  // namespace

base::UniqueFd make_cgroup(const Hierarchy& hierarchy, const std::string& path, bool is_unified, CgroupMaking& making) {
  const bool is_cpuset = contains(hierarchy.controllers, "cpuset");
  std::string so_far = hierarchy.mount_point;
  base::UniqueFd here = try_open_cgroup(so_far);
  if (!here) throw base::make_error(base::ErrorKind::not_found, quoted(hierarchy.mount_point), " is gone");
  auto components = base::split(path, '/');
  std::erase(components, "");
  for (std::size_t index = 0; index < components.size(); ++index) {
    const bool is_vacated = !making.vacated.empty() && so_far == hierarchy.mount_point + making.vacated;
    if (is_unified) enable_controllers(here.get(), so_far, is_vacated, making);
    const std::string name{components[index]};
    so_far += "/" + name;
    const Made made = make_one(here.get(), name, so_far, making);
    if (made == Made::refused) return {};
    const bool is_taken_over = made == Made::existed && index + 1 == components.size();
    base::UniqueFd next =
        is_taken_over ? take_over(here.get(), name, so_far, is_unified, making) : open_below(here.get(), name, so_far);
    if (!next) return {};
    if (is_cpuset) inherit_cpuset(here.get(), next.get());
    here = std::move(next);
  }
  return here;
}

void give_controllers(int folder, const std::string& path) {
  CgroupMaking unused;
  enable_controllers(folder, path, false, unused);
}

bool may_enter(const Hierarchy& unified, const std::string& path) {
  const std::string own = unified.own_path == "/" ? "" : unified.own_path;
  std::size_t shared = 0;
  for (std::size_t at = 0; at <= own.size() && at <= path.size(); ++at) {
    const bool ends_own = at == own.size() || own[at] == '/';
    const bool ends_path = at == path.size() || path[at] == '/';
    if (ends_own && ends_path) shared = at;
    if (at == own.size() || at == path.size() || own[at] != path[at]) break;
  }
  return may_write(concat(unified.mount_point, path.substr(0, shared), "/cgroup.procs"));
}

RootlessPlace rootless_place(const Hierarchy& unified) {
  if (unified.own_path == "/") return {};
  const std::string own = unified.mount_point + unified.own_path;
  char mark = 0;
  const bool is_marked = ::getxattr(own.c_str(), "user.delegate", &mark, sizeof mark) == 1 && mark == '1';
  if (is_marked && may_write(own) && may_write(own + "/cgroup.subtree_control"))
    return {.base = unified.own_path, .is_delegated = true};
  const std::string parent = unified.own_path.substr(0, unified.own_path.rfind('/'));
  const bool is_parent_ours =
      may_write(unified.mount_point + parent) && may_write(concat(unified.mount_point, parent, "/cgroup.procs"));
  return {.base = is_parent_ours ? parent : unified.own_path};
}

RootlessPlace own_place(const Hierarchy& unified) {
  std::string base = unified.own_path == "/" ? std::string{} : unified.own_path;
  const std::string way = concat("/", supervisor_name);
  if (base.ends_with(way)) base.resize(base.size() - way.size());
  return {.base = std::move(base), .is_delegated = true};
}

}  // namespace runtime
