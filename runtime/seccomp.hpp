#pragma once

#include <linux/filter.h>
#include <string>
#include <string_view>
#include <vector>

namespace runtime {

/// A filter for seccomp(2).
struct SeccompFilter {
  std::vector<sock_filter> program;  ///< Empty: nothing to load.
  unsigned flags = 0;                ///< SECCOMP_FILTER_FLAG_x; NEW_LISTENER when some rule notifies.
  std::string listener_path;         ///< Of an agent's socket; empty unless some rule notifies.
  std::string listener_metadata;     ///< For that agent.
};

/// The program for an OCI `linux.seccomp` object. The default profile of a usual capability set is not compiled but was
/// made at build time; others are looked up in the cache first.
/// @param seccomp_json   Empty: no filter.
/// @param cache_dir_fd   Folder for compiled filters, or -1. One that is not ours, or is writable for others, is
/// ignored.
/// @throws Error corrupt for a malformed object, unsupported for a filter that is too long.
/// Source: runtime-spec config-linux.md "Seccomp". Names of unknown system calls are skipped.
SeccompFilter compile_seccomp(std::string_view seccomp_json, int cache_dir_fd);

/// Our default profile as an OCI `linux.seccomp` object, the conditions on capabilities resolved for the container's
/// bounding set ("CAP_CHOWN" …). Docker's meaning: what is not named is ENOSYS, what would need a missing capability
/// EPERM.
std::string default_profile_json(const std::vector<std::string>& capabilities);

/// A profile in docker's format (defaultAction, archMap, includes/excludes …), as in /usr/share/containers/seccomp.json
/// or --security-opt seccomp=FILE, resolved to an OCI `linux.seccomp` object. One in OCI form passes unchanged.
/// @throws Error corrupt
std::string resolve_profile_json(std::string_view profile_json, const std::vector<std::string>& capabilities);

}  // namespace runtime
