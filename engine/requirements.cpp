#include "engine/requirements.hpp"

#include <fcntl.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "engine/reconcile.hpp"
#include "engine/selection.hpp"
#include "engine/verbs.hpp"

namespace engine {
namespace {

void write_pid_file(const std::string& path, pid_t pid) {
  if (path.empty()) return;
  // Written again at each start: a container that has the folder may have put a link or a FIFO in its place.
  constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const base::UniqueFd fd{::open(path.c_str(), flags, 0644)};
  if (!fd) throw base::os_error("creating pid file ", base::quoted(path));
  base::with_context([&] { base::write_all(fd.get(), std::to_string(pid)); }, "writing pid file ", base::quoted(path));
}

}  // namespace

std::vector<std::string> find_required(Engine& engine, const std::vector<std::string>& names) {
  std::vector<std::string> ids;
  for (const std::string& name : names)
    ids.push_back(base::with_context([&] { return require_container(engine, name).id; }, "--requires"));
  return ids;
}

void start_required(Engine& engine, const Watch& watch) {
  for (const std::string& id : watch.required) {
    const auto container = storage::open_container(engine.store(), id);
    if (!container)
      throw base::make_error(base::ErrorKind::not_found, "container ", id.substr(0, 12),
                             ", which this one requires, was removed");
    if (observe(*container, engine.host.boot_id).is_running()) continue;
    StartOptions options;
    options.containers = {id};
    start(engine, options);
  }
}

void write_pid_files(const Watch& watch, pid_t process, pid_t monitor) {
  write_pid_file(watch.pidfile, process);
  write_pid_file(watch.monitor_pidfile, monitor);
}

}  // namespace engine
