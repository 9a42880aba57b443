#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "engine/abandoned.hpp"
#include "engine/list_filters.hpp"
#include "engine/reconcile.hpp"
#include "engine/verbs.hpp"

namespace engine {

namespace {

std::optional<base::Time> parse_time(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return base::parse_rfc3339(text);
}

ContainerSummary summarize(const storage::ContainerRecord& record, const Observed& observed) {
  ContainerSummary summary;
  summary.id = record.id;
  summary.name = record.name;
  summary.image = record.rootfs.empty() ? record.image_name : record.rootfs;
  summary.image_id = record.image_id;
  summary.command = record.command;
  summary.created = parse_time(record.created);
  summary.started = parse_time(observed.state.started);
  summary.finished = parse_time(observed.state.finished);
  summary.status = observed.state.status;
  summary.exit_code = observed.state.exit_code;
  summary.pid = observed.is_running() ? observed.state.process.pid : 0;
  summary.auto_remove = record.auto_remove;
  summary.labels = record.labels;
  summary.mounts = record.named_volumes;
  summary.network = record.network;
  return summary;
}

}  // namespace

std::vector<ContainerSummary> list_containers(Engine& engine, const ListOptions& options) {
  const ListFilters filters = parse_list_filters(options.filters);
  std::vector<ContainerSummary> result;
  // One folder open at a time: there may be more containers than descriptors.
  for (const std::string& id : storage::list_container_ids(engine.store())) {
    try {
      const auto opened = storage::open_container(engine.store(), id);
      if (!opened) continue;  // removed while we looked
      const storage::ContainerDir& container = *opened;
      const Observed observed = observe(container, engine.host.boot_id);
      const bool shown = options.all || options.last > 0 || filters.names_status || observed.is_running();
      if (!shown) continue;
      ContainerSummary summary = summarize(storage::read_record(container), observed);
      if (summary.auto_remove && !observed.is_running() && remove_if_abandoned(engine, container)) continue;
      if (filters.match(summary)) result.push_back(std::move(summary));
    } catch (const base::Error& error) {
      if (error.kind() == base::ErrorKind::not_found) continue;  // removed while we looked
      base::log(base::LogLevel::warn, "container ", id.substr(0, 12), ": ", error.message(), " (engine rm --force ",
                id.substr(0, 12), " removes it)");
    }
  }
  std::sort(result.begin(), result.end(), [](const auto& a, const auto& b) { return a.created > b.created; });
  if (options.last > 0 && result.size() > static_cast<std::size_t>(options.last))
    result.resize(static_cast<std::size_t>(options.last));
  return result;
}

std::vector<std::string> container_ids(Engine& engine) {
  return storage::list_container_ids(engine.store());
}

bool container_exists(Engine& engine, const std::string& container) {
  return find_container(engine, container).has_value();
}

}  // namespace engine
