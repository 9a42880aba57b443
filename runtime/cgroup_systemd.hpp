#pragma once

#include <memory>

#include "runtime/cgroup.hpp"

namespace runtime {

/// A container's cgroups as a transient scope of systemd, which delegates them to us: limits are set as properties, so
/// that systemd knows them, and in the files, for what has no property. Processes are the caller's to end; removing
/// stops the unit.
///
/// The scope is made by the first `add`; before that the record has no folders, and there is nothing to freeze or
/// count.
/// @throws Error unsupported with a hint, when systemd cannot be reached; invalid_argument for a bad cgroupsPath or
/// annotation.
std::unique_ptr<Cgroup> make_systemd_cgroup(const CgroupRequest& request);
std::unique_ptr<Cgroup> open_systemd_cgroup(const CgroupRecord& record);

}  // namespace runtime
