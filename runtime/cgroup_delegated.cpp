#include "runtime/cgroup_delegated.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "runtime/cgroup_folder.hpp"
#include "runtime/cgroup_limits.hpp"
#include "runtime/cgroup_make.hpp"
#include "runtime/cgroup_owner.hpp"

namespace runtime {
namespace {

using base::concat;
using base::quoted;

constexpr int max_rounds = 100;

base::UniqueFd make_below(int folder, const std::string& path, const std::string& name) {
  if (::mkdirat(folder, name.c_str(), 0755) != 0 && errno != EEXIST)
    throw base::os_error("making cgroup ", quoted(concat(path, '/', name)));
  base::UniqueFd made{::openat(folder, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!made) throw base::os_error("opening cgroup ", quoted(concat(path, '/', name)));
  // Our umask is strict, but a container that looks at its cgroup is another user.
  if (::fchmodat(folder, name.c_str(), 0755, 0) != 0) throw base::os_error("setting the mode of cgroup ", quoted(name));
  return made;
}

void move_process(int folder, const std::string& path, std::string_view pid) {
  const int code = write_control(folder, "cgroup.procs", pid);
  if (code != 0 && code != ESRCH)
    throw base::error_from_code(code, concat("moving process ", pid, " to cgroup ", quoted(path)));
}

/// What forks meanwhile is moved in another round.
void move_all(int from, int to, const std::string& path) {
  for (int round = 0; round < max_rounds; ++round) {
    const std::string pids = try_read_control(from, "cgroup.procs").value_or("");
    if (pids.empty()) return;
    for (const std::string_view pid : base::split(base::trim(pids), '\n')) move_process(to, path, pid);
  }
}

}  // namespace

void delegate_below(int folder, const std::string& path, const std::string& name, std::optional<uid_t> owner,
                    bool is_rootless) {
  try {
    const base::UniqueFd below = make_below(folder, path, name);
    move_all(folder, below.get(), concat(path, '/', name));
    give_controllers(folder, path);
    if (owner) give_cgroup(below.get(), *owner, is_rootless);
  } catch (const base::Error& error) {
    if (!is_rootless || !is_refusal(error.code())) throw;
    base::log(base::LogLevel::warn, "no cgroup is delegated to the container: ", error.message());
  }
}

void enter_subgroup(const std::string& scope_folder, const std::string& name, pid_t pid) {
  const base::UniqueFd scope = try_open_cgroup(scope_folder);
  if (!scope) throw base::make_error(base::ErrorKind::not_found, "there is no cgroup ", quoted(scope_folder));
  const base::UniqueFd below = make_below(scope.get(), scope_folder, name);
  move_process(below.get(), concat(scope_folder, '/', name), concat(pid));
}

}  // namespace runtime
