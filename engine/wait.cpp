#include <thread>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/attach.hpp"
#include "engine/health.hpp"
#include "engine/launch.hpp"
#include "engine/reconcile.hpp"
#include "engine/selection.hpp"
#include "engine/verbs.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr int unknown_exit_code = 255;
constexpr int missing_exit_code = -1;  // podman-wait(1), --ignore

bool meets(const std::string& status, const std::vector<std::string>& conditions) {
  for (const std::string& condition : conditions)
    if (status == condition || (condition == "stopped" && (status == "exited" || status == "created"))) return true;
  return false;
}

void check_conditions(const std::vector<std::string>& conditions) {
  for (const std::string& condition : conditions) {
    bool known = false;
    for (const char* name :
         {"stopped", "exited", "running", "created", "initialized", "paused", "removing", "healthy", "unhealthy"})
      known = known || condition == name;
    if (!known) throw make_error(ErrorKind::invalid_argument, "unknown condition ", quoted(condition));
  }
}

/// The monitor itself is asked, because nothing of a --rm container is left to read when it has ended.
std::optional<int> ask_monitor(Engine& engine, const std::string& id) {
  try {
    return receive_exit_code(connect_attach(engine.store(), id));
  } catch (const base::Error&) {
    return std::nullopt;  // it has ended, or never had one (run --rm in the foreground)
  }
}

/// Most waits are for the end, which the kernel tells by the pidfd; other conditions have no one who tells.
int wait_one(Engine& engine, const storage::ContainerDir& container, const WaitOptions& options,
             const std::vector<std::string>& conditions) {
  bool ran = false;
  while (true) {
    const Observed observed = observe(container, engine.host.boot_id);
    if (!base::exists(container.dir.get(), "record")) return ran ? unknown_exit_code : 0;  // removed meanwhile
    if (observed.is_running() && meets(read_health(container).status, conditions))
      return -1;  // as podman: no exit code
    if (meets(observed.state.status, conditions)) {
      if (!meets("exited", conditions)) return -1;  // it has none yet
      if (!observed.monitored) return observed.state.exit_code;
      wait_until_unwatched(container);
      return observe(container, engine.host.boot_id).state.exit_code;
    }
    ran = ran || observed.is_running();
    const bool for_end = meets("exited", conditions) && observed.is_running();
    if (for_end && conditions.size() == 1) {
      const bool auto_remove = record_or_id(container).auto_remove;
      if (const auto code = ask_monitor(engine, container.id)) {
        wait_until_settled(engine.store(), container, auto_remove);
        return *code;
      }
      wait_for_end(observed, std::nullopt);
      wait_until_unwatched(container);
    } else {
      std::this_thread::sleep_for(options.interval);
    }
  }
}

}  // namespace

std::vector<int> wait(Engine& engine, const WaitOptions& options) {
  check_conditions(options.conditions);
  const std::vector<std::string> conditions =
      options.conditions.empty() ? std::vector<std::string>{"stopped"} : options.conditions;
  std::vector<int> codes;
  for (const std::string& name : options.containers) {
    const std::vector<Selected> selected = select_containers(engine, {name}, options.ignore);
    codes.push_back(selected.empty() ? missing_exit_code
                                     : wait_one(engine, selected.front().container, options, conditions));
  }
  return codes;
}

}  // namespace engine
