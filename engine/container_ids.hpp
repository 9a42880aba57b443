#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/lock.hpp"
#include "engine/context.hpp"
#include "engine/run_options.hpp"
#include "rootless/container_ids.hpp"
#include "runtime/spec.hpp"
#include "storage/containers.hpp"

namespace engine {

/// The ids of one container.
struct ContainerIds {
  rootless::IdMap map;
  std::string variant;  ///< Of its layers.
  std::string mode;     ///< As asked for, for the record: "", "keep-id", "auto:size=2000", "private" (a map).
  /// keep-id: what the caller is in the container.
  std::optional<std::uint32_t> own_uid, own_gid;
  std::optional<base::FileLock> reservation;  ///< auto: held until the container is recorded, so that ids are its own.

  /// Whether the caller is among them; then init can do what otherwise a helper has to.
  bool has_caller(const Engine& engine) const;
};

/// --userns and its like, PODMAN_USERNS where none was given.
/// @param chain_ids  Of the image: what it needs decides on the size of an automatic map.
/// @throws Error invalid_argument, unsupported.
ContainerIds choose_container_ids(Engine& engine, const RunOptions& options,
                                  const std::vector<base::Digest>& chain_ids);

void note_ids(storage::ContainerRecord& record, const ContainerIds& ids);

/// As note_ids noted it.
rootless::IdMap recorded_map(const storage::ContainerRecord& record);

/// The map that a recorded container has. @throws Error in_use, when the caller may not use these ids any more.
rootless::IdMap id_map_of(const Engine& engine, const storage::ContainerRecord& record, const runtime::Spec& spec);

/// The container's id, as the caller's default map has it; the caller's own where there is none.
std::uint32_t intermediate_uid(const Engine& engine, const rootless::IdMap& map, std::uint32_t uid);
std::uint32_t intermediate_gid(const Engine& engine, const rootless::IdMap& map, std::uint32_t gid);

}  // namespace engine
