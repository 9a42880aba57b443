#include "cmd/oci_destroy.hpp"

#include <csignal>
#include <poll.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "cmd/oci_bundle.hpp"
#include "cmd/oci_processes.hpp"
#include "runtime/hooks.hpp"

namespace cmd {
namespace {

using base::ErrorKind;
using base::make_error;

constexpr int end_limit_milliseconds = 10'000;
constexpr std::chrono::milliseconds creation_limit{0};

void wait_for_end(const base::UniqueFd& process, const std::string& id) {
  pollfd waiting{process.get(), POLLIN, 0};
  const int ready = ::poll(&waiting, 1, end_limit_milliseconds);
  if (ready < 0) throw base::os_error("waiting for the process of container ", base::quoted(id));
  if (ready == 0) throw make_error(ErrorKind::in_use, "the process of container ", base::quoted(id), " does not end");
}

void end_processes(const OciContainer& container, runtime::Cgroup& cgroup) {
  if (container.state.is_creating) answer_start(container.dir.get(), end_byte);
  const base::UniqueFd process = open_oci_process(container.state);
  if (process) send_signal(process.get(), SIGKILL);
  if (cgroup.is_frozen()) {  // version 1 delivers signals only when the container goes on
    signal_processes(container, SIGKILL);
    cgroup.thaw();
  }
  if (!cgroup.processes().empty()) cgroup.kill_all();
  if (process) wait_for_end(process, container.state.id);
}

/// A copy of config.json that cannot be read must not keep a container from being deleted.
std::vector<runtime::Hook> poststop_hooks(const OciContainer& container) {
  if (!container.state.has_poststop) return {};
  try {
    return read_oci_spec(container).hooks.poststop;
  } catch (const base::Error& error) {
    base::log(base::LogLevel::warn, "no poststop hooks are run: ", error.message());
    return {};
  }
}

}  // namespace

void destroy_oci_container(const std::string& root, LockedContainer locked) {
  const std::vector<runtime::Hook> hooks = poststop_hooks(locked.container);
  const std::string state =
      hooks.empty() ? std::string{} : runtime::hook_state(hook_container(locked.container.state), 0, "stopped");
  const auto cgroup = runtime::Cgroup::open(locked.container.state.cgroup);
  end_processes(locked.container, *cgroup);
  cgroup->remove();
  runtime::remove_rdt_group(locked.container.state.rdt);
  remove_oci_folder(root, std::move(locked));
  runtime::run_hooks_leniently(hooks, "poststop", state);
}

void discard_unfinished(const std::string& root, const std::string& id) {
  try {
    auto locked = lock_oci_container_for(root, id, creation_limit);
    if (locked && locked->container.state.is_creating) destroy_oci_container(root, std::move(*locked));
  } catch (const base::Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;  // the usual case: nobody has this id
  }
}

}  // namespace cmd
