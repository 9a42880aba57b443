#include "engine/exec_session.hpp"

#include "base/text.hpp"
#include "engine/exec_ids.hpp"
#include "engine/external_runtime_words.hpp"
#include "engine/keeper.hpp"
#include "engine/monitor_orders.hpp"
#include "runtime/monitor_plan.hpp"

namespace engine {

void start_session(Engine& engine, const storage::ContainerDir& container, const storage::ContainerRecord& record,
                   const std::string& id, int first, const std::function<runtime::CreatedInit()>& start) {
  fork_keeper(base::concat("the keeper of a process in container ", base::quoted(record.name)), KeeperParent::us,
              [&](base::Channel& verdict) {
                const base::UniqueFd executable = runtime::make_monitor_executable();
                leave_caller(verdict);
                if (first >= 0) become_subreaper();
                const runtime::CreatedInit process = start();
                runtime::MonitorPlan plan{.init_pid = process.process.pid(),
                                          .init_pidfd = process.process.pidfd(),
                                          .terminal = static_cast<bool>(process.terminal),
                                          .terminal_fd = process.terminal.get(),
                                          .container_fd = container.dir.get()};
                plan.is_session = true;
                plan.first_pidfd = first;
                note_exec(container, id, plan.init_pid);
                plan.exit_name = exec_file(id);
                add_events(plan, engine, record);
                tell_success(verdict);
                runtime::exec_monitor(executable.get(), plan);
              });
}

}  // namespace engine
