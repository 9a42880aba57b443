#include "engine/list.hpp"

#include <algorithm>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "engine/abandoned.hpp"
#include "engine/health.hpp"
#include "engine/inside_store.hpp"
#include "engine/list_filters.hpp"
#include "engine/reconcile.hpp"
#include "engine/restart_policy.hpp"
#include "engine/selection.hpp"
#include "engine/verbs.hpp"
#include "storage/container_list.hpp"
#include "storage/layout.hpp"

namespace engine {

namespace {

std::optional<base::Time> parse_time(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return base::parse_rfc3339(text);
}

ContainerSummary summarize(storage::ListedContainer record) {
  ContainerSummary summary;
  summary.id = std::move(record.id);
  summary.name = std::move(record.name);
  summary.image = std::move(record.rootfs.empty() ? record.image_name : record.rootfs);
  summary.image_id = std::move(record.image_id);
  summary.command = std::move(record.command);
  summary.created = parse_time(record.created);
  summary.auto_remove = record.auto_remove;
  summary.labels = std::move(record.labels);
  summary.mounts = std::move(record.named_volumes);
  summary.network = std::move(record.network);
  summary.ports = std::move(record.ports);
  return summary;
}

void set_state(ContainerSummary& summary, storage::ContainerState state) {
  summary.started = parse_time(state.started);
  summary.finished = parse_time(state.finished);
  summary.status = std::move(state.status);
  summary.exit_code = state.exit_code;
}

/// Whether it is one that power loss left without a record; it is removed.
bool was_lost(Engine& engine, const std::string& id) {
  const auto opened = storage::open_container(engine.store(), id);
  return opened && storage::is_lost(*opened) && remove_if_abandoned(engine, *opened);
}

base::Time creation_of(Engine& engine, const std::string& name) {
  return parse_time(storage::read_record(require_container(engine, name)).created).value_or(base::Time{});
}

/// What a container's files say.
struct Found {
  ContainerSummary summary;
  bool is_shown = false;
  bool is_running = false;
  bool is_unfinished = false;          ///< As its state says.
  std::unique_ptr<base::Error> error;  ///< Why they could not be read.
};

/// There may be thousands, and mostly they are over: their files are read by all CPUs, and the folder is opened only of
/// what may be running or abandoned.
class Lister {
 public:
  Lister(Engine& engine, const ListOptions& options)
      : engine_(engine),
        filters_(parse_list_filters(options.filters,
                                    [&engine](const std::string& name) { return creation_of(engine, name); })),
        shows_all_(options.all || options.last > 0 || filters_.names_status) {}

  std::vector<Found> read(const std::vector<std::string>& ids) const {
    std::vector<Found> found(ids.size());
    const storage::Store& store = engine_.store();
    base::for_parts(ids.size(), [&](std::size_t first, std::size_t last) {
      storage::ContainerList containers{store};
      for (std::size_t i = first; i < last; ++i) read(containers, ids[i], found[i]);
    });
    return found;
  }

  /// Whether it is meant and was not removed while we looked. @throws Error that reading it met.
  bool is_meant(const std::string& id, Found& found) {
    if (found.error) throw std::move(*found.error);
    if (!found.is_shown) return false;
    if ((found.summary.auto_remove || found.is_unfinished) && !found.is_running && removed(id)) return false;
    if (filters_.names_policy) {
      const auto opened = storage::open_container(engine_.store(), id);
      if (!opened) return false;
      found.summary.restart_policy = read_watch(*opened).restart_policy;
      found.summary.starts_on_boot = starts_on_boot(*opened);
    }
    return filters_.match(found.summary);
  }

 private:
  void read(storage::ContainerList& containers, const std::string& id, Found& found) const {
    try {
      storage::ContainerState state = containers.state(id);
      found.is_unfinished = state.is_unfinished;
      found.is_shown = shows_all_ || may_run(state);
      if (!found.is_shown) return;
      found.summary = summarize(containers.record(id));
      if (may_run(state))
        look_at_process(id, std::move(state), found);
      else
        set_state(found.summary, std::move(state));
    } catch (const base::Error& error) {
      found.error = std::make_unique<base::Error>(error);
    }
  }

  void look_at_process(const std::string& id, storage::ContainerState state, Found& found) const {
    const auto opened = storage::open_container(engine_.store(), id);
    if (!opened) {
      found.is_shown = false;
      return;
    }
    Observed observed = observe_process(*opened, engine_.host.boot_id, std::move(state));
    found.is_running = observed.is_running();
    found.is_shown = shows_all_ || (observed.is_started() && !observed.is_paused());
    if (found.is_running) found.summary.health = read_health(*opened).status;
    found.summary.pid = found.is_running ? observed.state.process.pid : 0;
    set_state(found.summary, std::move(observed.state));
  }

  bool removed(const std::string& id) {
    const auto opened = storage::open_container(engine_.store(), id);
    return !opened || remove_if_abandoned(engine_, *opened);
  }

  Engine& engine_;
  ListFilters filters_;
  bool shows_all_;
};

/// By moving each once: they are large.
std::vector<ContainerSummary> newest_first(std::vector<ContainerSummary*> order) {
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return a->created != b->created ? a->created > b->created : a->id < b->id;
  });
  std::vector<ContainerSummary> sorted;
  sorted.reserve(order.size());
  for (ContainerSummary* summary : order) sorted.push_back(std::move(*summary));
  return sorted;
}

}  // namespace

std::vector<ContainerSummary> list_containers(Engine& engine, const ListOptions& options) {
  bool ignored = false;
  return list_containers(engine, options, ignored);
}

std::vector<ContainerSummary> list_containers(Engine& engine, const ListOptions& options, bool& is_incomplete) {
  Lister lister{engine, options};
  const std::vector<std::string> ids = storage::ContainerList::ids(engine.store());
  std::vector<Found> found = lister.read(ids);
  std::vector<ContainerSummary*> meant;
  meant.reserve(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::string& id = ids[i];
    try {
      if (lister.is_meant(id, found[i])) meant.push_back(&found[i].summary);
    } catch (const base::Error& error) {
      if (error.kind() == base::ErrorKind::not_found) continue;  // removed while we looked
      if (was_lost(engine, id)) continue;
      is_incomplete = true;
      base::log(base::LogLevel::warn, "container ", id.substr(0, 12), ": ", error.message(), " (engine rm --force ",
                id.substr(0, 12), " removes it)");
    }
  }
  std::vector<ContainerSummary> result = newest_first(std::move(meant));
  if (options.last > 0 && result.size() > static_cast<std::size_t>(options.last))
    result.resize(static_cast<std::size_t>(options.last));
  return result;
}

std::vector<ContainerBytes> container_sizes(Engine& engine, const std::vector<std::string>& ids) {
  std::vector<ContainerBytes> sizes;
  if (ids.empty()) return sizes;
  const storage::Store& store = engine.store();
  const auto measured = measure_inside(engine, {"layers/*", "merged/*", "containers/*"});
  const auto bytes_of = [&](const std::string& path) {
    const auto found = measured.find(path);
    return found == measured.end() ? std::uint64_t{0} : found->second;
  };
  for (const std::string& id : ids) {
    ContainerBytes& bytes = sizes.emplace_back();
    const auto opened = storage::open_container(store, id);
    if (!opened) continue;
    bytes.writable = bytes_of(storage::layout::container(id));
    bytes.all = bytes.writable;
    for (const std::string& chain : storage::read_record(*opened).chain_ids)
      bytes.all += bytes_of(storage::layout::layer(base::Digest::parse(chain)));
  }
  return sizes;
}

std::string namespace_number(int pid, const char* type) {
  char text[64];
  const std::string path = base::concat("/proc/", pid, "/ns/", type);
  const ssize_t got = pid > 0 ? ::readlink(path.c_str(), text, sizeof text) : -1;
  const std::string_view link{text, got > 0 ? static_cast<std::size_t>(got) : 0};  // "pid:[4026531836]"
  const std::size_t bracket = link.find('[');
  return bracket == std::string_view::npos ? std::string{}
                                           : std::string{link.substr(bracket + 1, link.size() - bracket - 2)};
}

std::vector<std::string> container_ids(Engine& engine) {
  return storage::list_container_ids(engine.store());
}

bool container_exists(Engine& engine, const std::string& container) {
  return find_container(engine, container).has_value();
}

}  // namespace engine
