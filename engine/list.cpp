#include "engine/list.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "engine/abandoned.hpp"
#include "engine/list_filters.hpp"
#include "engine/reconcile.hpp"
#include "engine/verbs.hpp"
#include "storage/container_list.hpp"

namespace engine {

namespace {

std::optional<base::Time> parse_time(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return base::parse_rfc3339(text);
}

ContainerSummary summarize(storage::ContainerRecord record, const Observed& observed) {
  ContainerSummary summary;
  summary.id = std::move(record.id);
  summary.name = std::move(record.name);
  summary.image = std::move(record.rootfs.empty() ? record.image_name : record.rootfs);
  summary.image_id = std::move(record.image_id);
  summary.command = std::move(record.command);
  summary.created = parse_time(record.created);
  summary.started = parse_time(observed.state.started);
  summary.finished = parse_time(observed.state.finished);
  summary.status = observed.state.status;
  summary.exit_code = observed.state.exit_code;
  summary.pid = observed.is_running() ? observed.state.process.pid : 0;
  summary.auto_remove = record.auto_remove;
  summary.labels = std::move(record.labels);
  summary.mounts = std::move(record.named_volumes);
  summary.network = std::move(record.network);
  return summary;
}

bool may_run(const storage::ContainerState& state) {
  return state.status == "running" || state.status == "stopping";
}

/// Whether it is one that power loss left without a record; it is removed.
bool was_lost(Engine& engine, const std::string& id) {
  const auto opened = storage::open_container(engine.store(), id);
  return opened && storage::is_lost(*opened) && remove_if_abandoned(engine, *opened);
}

/// Looks at one container after the other, and opens the folder only of what may be running or abandoned: there may be
/// thousands, and mostly they are over.
class Lister {
 public:
  Lister(Engine& engine, const ListOptions& options)
      : engine_(engine),
        containers_(engine.store()),
        filters_(parse_list_filters(options.filters)),
        shows_all_(options.all || options.last > 0 || filters_.names_status) {}

  /// Nothing, when the container is not meant or was removed while we looked.
  std::optional<ContainerSummary> look_at(const std::string& id) {
    Observed observed{.state = containers_.state(id), .process = {}};
    std::optional<storage::ContainerDir> opened;
    if (may_run(observed.state)) {
      opened = storage::open_container(engine_.store(), id);
      if (!opened) return std::nullopt;
      observed = observe(*opened, engine_.host.boot_id);
    }
    if (!shows_all_ && !observed.is_running()) return std::nullopt;
    ContainerSummary summary = summarize(containers_.record(id), observed);
    if (summary.auto_remove && !observed.is_running() && removed(id)) return std::nullopt;
    if (!filters_.match(summary)) return std::nullopt;
    return summary;
  }

 private:
  bool removed(const std::string& id) {
    const auto opened = storage::open_container(engine_.store(), id);
    return !opened || remove_if_abandoned(engine_, *opened);
  }

  Engine& engine_;
  storage::ContainerList containers_;
  ListFilters filters_;
  bool shows_all_;
};

}  // namespace

std::vector<ContainerSummary> list_containers(Engine& engine, const ListOptions& options) {
  bool ignored = false;
  return list_containers(engine, options, ignored);
}

std::vector<ContainerSummary> list_containers(Engine& engine, const ListOptions& options, bool& is_incomplete) {
  Lister lister{engine, options};
  std::vector<ContainerSummary> result;
  for (const std::string& id : storage::list_container_ids(engine.store())) {
    try {
      if (auto summary = lister.look_at(id)) result.push_back(std::move(*summary));
    } catch (const base::Error& error) {
      if (error.kind() == base::ErrorKind::not_found) continue;  // removed while we looked
      if (was_lost(engine, id)) continue;
      is_incomplete = true;
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
