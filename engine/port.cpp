#include "engine/port.hpp"

#include <optional>

#include "base/error.hpp"
#include "engine/published_ports.hpp"
#include "engine/reconcile.hpp"
#include "engine/selection.hpp"

namespace engine {
namespace {

constexpr std::string_view other_container = "container:";

/// The record of the container whose network this one has; nothing, when that was removed.
std::optional<storage::ContainerRecord> owner_of_network(Engine& engine, const storage::ContainerDir& container) {
  storage::ContainerRecord record = storage::read_record(container);
  if (!record.network.starts_with(other_container)) return record;
  const auto owner = storage::find_container(engine.store(), record.network.substr(other_container.size()));
  if (!owner) return std::nullopt;
  return storage::read_record(*owner);
}

std::optional<ContainerPorts> ports_of(Engine& engine, const storage::ContainerDir& container) {
  if (!observe(container, engine.host.boot_id).is_started()) return std::nullopt;
  const auto record = owner_of_network(engine, container);
  if (!record) return std::nullopt;
  ContainerPorts found{.id = container.id, .ports = published_ports(*record)};
  if (found.ports.empty()) return std::nullopt;
  return found;
}

}  // namespace

std::vector<ContainerPorts> ports_of_running(Engine& engine, const std::string& container) {
  std::vector<ContainerPorts> result;
  if (!container.empty()) {
    if (auto found = ports_of(engine, require_container(engine, container))) result.push_back(std::move(*found));
    return result;
  }
  for (const std::string& id : storage::list_container_ids(engine.store())) {
    try {
      const auto one = storage::open_container(engine.store(), id);
      auto found = one ? ports_of(engine, *one) : std::nullopt;
      if (found) result.push_back(std::move(*found));
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::not_found) throw;  // removed while we looked
    }
  }
  return result;
}

}  // namespace engine
