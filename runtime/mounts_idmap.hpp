#pragma once

#include <vector>

#include "base/fd.hpp"
#include "runtime/namespaces.hpp"
#include "runtime/plan.hpp"

namespace runtime {

/// The sources of idmapped bind mounts as detached, mapped clones, one entry per mount of the plan, empty for all
/// others. Called by the parent, in its own namespaces: the kernel lets only those map the ids of a file system who
/// may administer the user namespace that it was mounted in. Single-threaded callers only, since user namespaces are
/// made by cloning. @throws Error unsupported or permission with a hint, where the kernel or file system refuses.
/// Source: mount_setattr(2), "ID-mapped mounts".
std::vector<base::UniqueFd> map_bind_sources(const ContainerPlan& plan, const std::vector<OpenNamespace>& joined);

/// A user namespace with these maps; it lives as long as the descriptor.
base::UniqueFd make_user_namespace(const std::vector<IdMapping>& uids, const std::vector<IdMapping>& gids);

/// The text of /proc/PID/uid_map: one "container host size" a line.
std::string id_map_text(const std::vector<IdMapping>& mappings);

}  // namespace runtime
