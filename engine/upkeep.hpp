#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "engine/context.hpp"

// The verbs that look after the store. Results are structs; `cmd` renders them.

namespace engine {

// ---- check --------------------------------------------------------------------------------------------------------
struct CheckOptions {
  bool quick = false;
  bool deep = false;
  bool repair = false;
  bool force = false;  ///< With repair: what cannot be had again is given up now, with the containers that need it.
  std::optional<bool> tls_verify;
  std::string auth_file, creds, cert_dir;
};

struct CheckFinding {
  std::string severity;  ///< damage, leftover, note
  std::string kind;      ///< For scripts: "layer-damaged".
  std::string object;    ///< A digest, id, name or path of the store.
  std::string message;
  std::string remedy;
  std::string outcome;  ///< found; after a repair: repaired, lost, remains
};

struct CheckReport {
  std::vector<CheckFinding> findings;
  std::vector<std::string> lost;  ///< Lines about what a repair had to give up, and how to get it again.
  bool is_damaged = false;        ///< Damage is there now.
};
CheckReport check_system(Engine& engine, const CheckOptions& options);

// ---- disk usage ---------------------------------------------------------------------------------------------------
/// Bytes are blocks really used.
struct UsageLine {
  std::string type;  ///< "Images", "Containers", "Local Volumes"
  std::uint64_t total = 0;
  std::uint64_t active = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t reclaimable_bytes = 0;
};
struct ImageUsage {
  std::string id;
  std::vector<std::string> names;
  std::optional<base::Time> created;
  std::uint64_t size_bytes = 0;
  std::uint64_t shared_bytes = 0;      ///< With other images.
  std::uint64_t compressed_bytes = 0;  ///< Of it, kept compressed layers.
  std::vector<std::string> containers;
  bool read_only = false;  ///< In a shared store: nothing of it is in ours, or only other id variants.
};
struct ContainerUsage {
  std::string id, name, image_id, status;
  std::vector<std::string> command;
  std::optional<base::Time> created;
  std::uint64_t size_bytes = 0;
  std::size_t volumes = 0;
};
struct VolumeUsage {
  std::string name;
  std::vector<std::string> containers;
  std::uint64_t size_bytes = 0;
};
/// What belongs to none of them.
struct OtherUsage {
  std::string what;
  std::uint64_t size_bytes = 0;
  std::string why;
};
struct SystemUsage {
  std::vector<UsageLine> lines;
  std::vector<ImageUsage> images;
  std::vector<ContainerUsage> containers;
  std::vector<VolumeUsage> volumes;
  std::vector<OtherUsage> others;
};
SystemUsage disk_usage(Engine& engine);

// ---- prune --------------------------------------------------------------------------------------------------------
struct PruneOptions {
  bool all = false;      ///< Images: also those with names.
  bool volumes = false;  ///< System: volumes as well.
  bool blobs = false;    ///< System: compressed layers as well.
  bool dry_run = false;
  std::vector<std::string> filters;
};
struct PruneReport {
  std::vector<std::string> containers;  ///< Ids.
  std::vector<std::string> volumes;     ///< Names.
  std::vector<std::string> images;      ///< Ids.
  std::uint64_t blobs = 0;              ///< Compressed layers of images that stay.
  std::uint64_t reclaimed_bytes = 0;
};
PruneReport prune_containers(Engine& engine, const PruneOptions& options);
PruneReport prune_images(Engine& engine, const PruneOptions& options);
PruneReport prune_volumes(Engine& engine, const PruneOptions& options);
PruneReport prune_system(Engine& engine, const PruneOptions& options);
/// Names of the volumes that prune_volumes would remove now.
std::vector<std::string> unused_volumes(Engine& engine, const PruneOptions& options);

// ---- reset --------------------------------------------------------------------------------------------------------
/// Everything in the store goes, running containers included. The empty store stays.
void reset_system(Engine& engine);

}  // namespace engine
