#pragma once

#include <string>
#include <vector>

#include "engine/cdi.hpp"
#include "engine/run_options.hpp"
#include "runtime/spec.hpp"

namespace engine {

/// One --device of the host: "/dev/fuse", "/dev/fuse:/dev/x", "/dev/fuse:rw", "/dev/fuse:/dev/x:rwm", as bind mounts:
/// an ordinary user can make no node. A folder means all devices in it. What access is asked for is up to the file's
/// own mode. @throws Error invalid_argument, not_found. Source: podman-run(1) "--device".
std::vector<runtime::Mount> device_mounts(const std::string& word);

/// All --device words: of the host, and by name in CDI files.
struct Devices {
  std::vector<runtime::Mount> mounts;
  CdiEdits edits;  ///< Its nodes are among `mounts` already.
};
Devices find_devices(const RunOptions& options);

/// Adds what CDI files ask for besides devices and mounts.
void apply_cdi_edits(runtime::Spec& spec, const CdiEdits& edits);

}  // namespace engine
