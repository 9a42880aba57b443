#include "base/error.hpp"
#include "cmd/oci_folder.hpp"
#include "cmd/oci_verbs.hpp"

// pause and resume.

namespace cmd {
namespace {

using base::ErrorKind;
using base::make_error;

void check_status(const OciContainer& container, std::string_view first, std::string_view second) {
  const std::string status = status_of(container);
  if (status == first || status == second) return;
  const std::string_view words = status == "stopped" ? "container not running: " : "container ";
  throw make_error(ErrorKind::in_use, words, base::quoted(container.state.id), " is ", status);
}

}  // namespace

int oci_pause(const OciGlobals& globals, const OciWords& words) {
  const LockedContainer locked = lock_oci_container(globals.root, words.words.front());
  check_status(locked.container, "running", "created");
  runtime::Cgroup::open(locked.container.state.cgroup)->freeze();
  return 0;
}

int oci_resume(const OciGlobals& globals, const OciWords& words) {
  const LockedContainer locked = lock_oci_container(globals.root, words.words.front());
  check_status(locked.container, "paused", "paused");
  runtime::Cgroup::open(locked.container.state.cgroup)->thaw();
  return 0;
}

}  // namespace cmd
