#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"
#include "engine/run_options.hpp"
#include "rootless/id_map.hpp"
#include "runtime/spec.hpp"
#include "storage/secrets.hpp"

namespace engine {

/// What `--secret` asks for, found in the store. @throws Error not_found; unsupported, for owners that `map` lacks.
std::vector<storage::ContainerSecret> choose_secrets(Engine& engine, const RunOptions& options,
                                                     const rootless::IdMap& map);

/// Where they are bound from: files in the run folder, which is in memory; /run/secrets as one folder.
std::vector<runtime::Mount> secret_mounts(Engine& engine, const std::string& id,
                                          const std::vector<storage::ContainerSecret>& secrets);

/// Before each start: makes those files, from the container's own copies, unless they are there. What is left of
/// containers that are no more goes.
void prepare_secrets(Engine& engine, const storage::ContainerDir& container, const rootless::IdMap& map);

/// Adds the secrets that are variables. They are in no record and no config.json.
void add_secret_variables(const storage::ContainerDir& container, std::vector<std::string>& env);

/// After the container is gone.
void forget_secrets(const storage::Store& store, const std::string& id);

/// Inside the user namespace. Words: folder, and (file, uid, gid) for each that is not container root's.
void own_secrets(const std::vector<std::string>& words);

}  // namespace engine
