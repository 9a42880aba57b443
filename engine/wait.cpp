#include <optional>
#include <poll.h>
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
    const base::Channel monitor = connect_attach(engine.store(), id);
    while (const auto message = monitor.receive())
      if (const auto code = exit_code_of(message->bytes)) return code;
    return std::nullopt;
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

/// One that runs now, and whose end is waited for.
struct Awaited {
  storage::ContainerDir container;
  bool auto_remove = false;
  base::Channel monitor = {};  ///< Closed once it has told the code, or that it will not.
  std::optional<int> code = {};
};

Awaited begin_to_await(Engine& engine, storage::ContainerDir container) {
  Awaited one{.container = std::move(container)};
  try {
    if (!observe(one.container, engine.host.boot_id).is_running()) return one;
    one.auto_remove = record_or_id(one.container).auto_remove;
    one.monitor = connect_attach(engine.store(), one.container.id);
  } catch (const base::Error&) {  // it has ended, or never had a monitor (run --rm in the foreground)
  }
  return one;
}

/// All at once: nothing of a --rm container is left to read when it has ended while another one was waited for.
void hear_codes(std::vector<std::optional<Awaited>>& all) {
  for (;;) {
    std::vector<pollfd> polled;
    std::vector<Awaited*> listening;
    for (auto& one : all) {
      if (!one || !one->monitor) continue;
      polled.push_back({one->monitor.fd(), POLLIN, 0});
      listening.push_back(&*one);
    }
    if (polled.empty()) return;
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) throw base::os_error("waiting for containers");
    for (std::size_t index = 0; index < polled.size(); ++index) {
      if (polled[index].revents == 0) continue;
      const auto message = listening[index]->monitor.receive();
      if (message) listening[index]->code = exit_code_of(message->bytes);
      if (!message || listening[index]->code) listening[index]->monitor.close();
    }
  }
}

}  // namespace

std::vector<int> wait(Engine& engine, const WaitOptions& options) {
  check_conditions(options.conditions);
  const std::vector<std::string> conditions =
      options.conditions.empty() ? std::vector<std::string>{"stopped"} : options.conditions;
  std::vector<std::optional<Awaited>> all;
  for (const std::string& name : options.containers) {
    std::vector<Selected> selected = select_containers(engine, {name}, options.ignore);
    if (selected.empty())
      all.emplace_back();
    else if (conditions.size() == 1 && meets("exited", conditions))
      all.push_back(begin_to_await(engine, std::move(selected.front().container)));
    else
      all.push_back(Awaited{.container = std::move(selected.front().container)});
  }
  hear_codes(all);
  std::vector<int> codes;
  for (const auto& one : all) {
    if (one && one->code) wait_until_settled(engine.store(), one->container, one->auto_remove);
    codes.push_back(!one        ? missing_exit_code
                    : one->code ? *one->code
                                : wait_one(engine, one->container, options, conditions));
  }
  return codes;
}

}  // namespace engine
