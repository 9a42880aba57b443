#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "runtime/plan.hpp"

namespace runtime {

/// A namespace of somebody else, opened and verified to be of the kind that was asked for.
struct OpenNamespace {
  unsigned flag = 0;
  std::string path;
  base::UniqueFd fd;
};

/// @throws Error invalid_argument when a path is not a namespace of the kind config.json says.
std::vector<OpenNamespace> open_namespaces(const NamespacePlan& plan);

/// setns(2) into those whose flag is in `flags`, in the plan's order.
void join_namespaces(const std::vector<OpenNamespace>& namespaces, unsigned flags);

/// unshare(2).
void create_namespaces(unsigned flags);

/// errno as an Error, with a hint when user namespaces are what the kernel refuses.
base::Error namespace_error(unsigned flags, std::string doing);

/// /proc/self/timens_offsets for write_time_offsets, opened before anything is joined: the kernel asks for the rights
/// of who opened it, and the file is ours only as long as we are dumpable.
base::UniqueFd open_time_offsets();
/// The clocks of the time namespace that this process created and no process is in yet. Source: time_namespaces(7).
void write_time_offsets(const base::UniqueFd& file, const std::vector<TimeOffset>& offsets);

/// Our copies of the host's mounts send nothing back; with `as_slaves` they still receive what the host mounts later.
void separate_mounts(bool as_slaves);

/// Container ids 0 and no supplementary groups, unless `keeps_groups`. @return whether they may be set here.
bool become_container_root(bool keeps_groups);

/// What root needs not: the last stage is executed with our capabilities, and takes them away at its end.
void keep_capabilities_over_exec();

void bring_loopback_up();
void set_host_names(const std::string& hostname, const std::string& domainname);

}  // namespace runtime
