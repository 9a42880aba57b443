#pragma once

#include <string>

#include "base/json_writer.hpp"
#include "engine/health.hpp"
#include "engine/reconcile.hpp"
#include "engine/watch.hpp"
#include "runtime/spec.hpp"
#include "storage/containers.hpp"
#include "storage/secrets.hpp"

namespace engine {

/// Everything that one inspection of a container writes from.
struct Inspected {
  const storage::ContainerRecord& record;
  const Observed& observed;
  const runtime::Spec& spec;
  std::string folder;  ///< Absolute path of the container's folder.
  Watch watch = {};
  Health health = {};
  unsigned restarts = 0;
  bool is_restarting = false;
  std::string cgroup_manager = {};      ///< "systemd", "cgroupfs".
  std::vector<std::string> execs = {};  ///< Ids of processes of `exec` that run.
  std::string cgroup_path = {};         ///< Of the running container; empty: none of its own.
  std::vector<storage::ContainerSecret> secrets = {};
  std::vector<std::string> usual_capabilities = {};  ///< Of a container that was given or denied none.
  std::vector<std::string> layer_paths = {};         ///< Lowest first; none unless an overlay is mounted of them.
};

/// Pure: podman's JSON of a container, in the order and spelling of podman 5 and later.
std::string render_container(const Inspected& in);

// Its parts in inspect_host_config.cpp: members of the object that is being written.
void write_mounts(base::JsonWriter& json, const Inspected& in);
void write_host_config(base::JsonWriter& json, const Inspected& in);

}  // namespace engine
