#include <algorithm>
#include <csignal>
#include <fcntl.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "cmd/oci_destroy.hpp"
#include "cmd/oci_processes.hpp"
#include "cmd/oci_verbs.hpp"

namespace cmd {
namespace {

using base::ErrorKind;
using base::make_error;

constexpr std::chrono::milliseconds patience{1000};
constexpr std::chrono::milliseconds last_patience{10'000};
constexpr std::size_t max_children_bytes = 64 * 1024;

/// Of the one thread that a maker has. Source: proc(5), "/proc/pid/task/tid/children".
std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> found;
  const auto text =
      base::try_read_file(AT_FDCWD, base::concat("/proc/", pid, "/task/", pid, "/children"), max_children_bytes);
  for (const std::string_view word : base::split(text.value_or(""), ' '))
    if (const auto child = base::parse_unsigned(word)) found.push_back(static_cast<pid_t>(*child));
  return found;
}

LockedContainer lock_undamaged(const OciGlobals& globals, const std::string& id) {
  try {
    return lock_oci_container(globals.root, id);
  } catch (base::Error& error) {
    if (error.kind() == ErrorKind::not_found || error.kind() == ErrorKind::in_use) throw;
    throw std::move(error).with_hint("add --force to remove what is left of it");
  }
}

void delete_stopped(const OciGlobals& globals, const std::string& id) {
  LockedContainer locked = lock_undamaged(globals, id);
  const std::string status = status_of(locked.container);
  // What a killed `create` left is nobody's: its lock is free.
  if (status != "stopped" && status != "creating")
    throw make_error(ErrorKind::in_use, "container ", base::quoted(id), " is ", status)
        .with_hint("kill it first, or add --force");
  destroy_oci_container(globals.root, std::move(locked));
}

/// Kills a process and, after it, its children: an init that waits for a hook would not notice otherwise.
void kill_with_children(pid_t pid, const base::UniqueFd& process) {
  std::vector<std::pair<pid_t, base::UniqueFd>> opened;
  for (const pid_t child : children_of(pid))
    if (base::UniqueFd pidfd = open_pidfd(child)) opened.emplace_back(child, std::move(pidfd));
  // Looked up again after the pidfds were opened: what is a child of it still is what was opened.
  const std::vector<pid_t> still = children_of(pid);
  send_signal(process.get(), SIGKILL);
  for (const auto& [child, pidfd] : opened)
    if (std::find(still.begin(), still.end(), child) != still.end()) send_signal(pidfd.get(), SIGKILL);
}

/// Ends who holds the lock of a container on its way, and all there is of it yet.
void end_creation(const OciState& state) {
  if (state.is_creating)
    if (const auto maker = base::open_process(state.maker)) kill_with_children(state.maker.pid, maker);
  if (const auto process = open_oci_process(state)) send_signal(process.get(), SIGKILL);
  const auto cgroup = runtime::Cgroup::open(state.cgroup);
  if (!cgroup->processes().empty()) cgroup->kill_all();
}

/// A maker that does not come to an end, because of a hook for example, is brought to one.
LockedContainer lock_by_force(const OciGlobals& globals, const std::string& id) {
  if (auto locked = lock_oci_container_for(globals.root, id, patience)) return std::move(*locked);
  end_creation(find_oci_container(globals.root, id).state);
  if (auto locked = lock_oci_container_for(globals.root, id, last_patience)) return std::move(*locked);
  throw make_error(ErrorKind::in_use, "container ", base::quoted(id), " is being changed by another process");
}

void delete_by_force(const OciGlobals& globals, const std::string& id) {
  remove_damaged_folder(globals.root, id, last_patience);
  try {
    destroy_oci_container(globals.root, lock_by_force(globals, id));
  } catch (const base::Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;  // it is gone, which is what was asked for
    if (const auto root = base::try_open_directory(AT_FDCWD, globals.root)) sweep_oci_folders(root->get());
  }
}

}  // namespace

int oci_delete(const OciGlobals& globals, const OciWords& words) {
  std::vector<std::string> ids{words.words.front()};
  if (words.has("regex")) {
    ids.clear();
    for (const OciContainer& container : select_oci_containers(globals.root, words.words.front(), true))
      ids.push_back(container.state.id);
  }
  for (const std::string& id : ids) {
    check_oci_id(id);
    if (words.has("force"))
      delete_by_force(globals, id);
    else
      delete_stopped(globals, id);
  }
  return 0;
}

}  // namespace cmd
