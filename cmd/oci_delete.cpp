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

void delete_stopped(const OciGlobals& globals, const std::string& id) {
  LockedContainer locked = lock_oci_container(globals.root, id);
  const std::string status = status_of(locked.container);
  // What a killed `create` left is nobody's: its lock is free.
  if (status != "stopped" && status != "creating")
    throw make_error(ErrorKind::in_use, "container ", base::quoted(id), " is ", status)
        .with_hint("kill it first, or add --force");
  destroy_oci_container(globals.root, std::move(locked));
}

/// A maker that does not come to an end is helped by ending what it makes.
LockedContainer lock_by_force(const OciGlobals& globals, const std::string& id) {
  if (auto locked = lock_oci_container_for(globals.root, id, patience)) return std::move(*locked);
  const auto cgroup = runtime::Cgroup::open(find_oci_container(globals.root, id).state.cgroup);
  if (!cgroup->processes().empty()) cgroup->kill_all();
  if (auto locked = lock_oci_container_for(globals.root, id, last_patience)) return std::move(*locked);
  throw make_error(ErrorKind::in_use, "container ", base::quoted(id), " is being changed by another process");
}

void delete_by_force(const OciGlobals& globals, const std::string& id) {
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
