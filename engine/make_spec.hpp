#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/container_surroundings.hpp"
#include "engine/mount_words.hpp"
#include "engine/run_options.hpp"
#include "engine/security.hpp"
#include "engine/user.hpp"
#include "rootless/id_map.hpp"
#include "runtime/spec.hpp"

namespace engine {

/// All that a runtime spec is made from: already looked up, so that make_spec is pure.
struct SpecInputs {
  const RunOptions& options;
  const Security& security;
  const ResolvedUser& user;
  const Surroundings& around;
  const rootless::IdMap& id_map;
  std::vector<std::string> argv;
  std::vector<std::string> env;
  std::string work_dir = "/";
  std::string hostname;
  std::string network = "private";  ///< none|host|private
  std::vector<MountWord> mounts;    ///< Sources are absolute host paths now, also those of volumes.
  std::vector<std::pair<std::string, std::string>> files;  ///< (host path, path in the container), bound last.
  std::string seccomp_json;                                ///< Empty: no filter.
  std::string root_path = "rootfs";
  bool host_has_mqueue = true;  ///< /dev/mqueue is there, for --ipc host.
  std::uint64_t shm_bytes = 65536 * 1024;
  std::uint64_t systemd_tmpfs_bytes = 0;  ///< Each; 0: as the kernel has it.
  std::vector<runtime::Rlimit> rlimits;
  std::vector<runtime::Mount> devices;       ///< --device: bind mounts of host nodes.
  std::vector<std::string> default_sysctls;  ///< NAME=VALUE; those of namespaces that are not its own are left out.
};

/// Pure. The namespaces, mounts, masks and identity of the container. Source: OCI runtime-spec config.md and
/// config-linux.md; podman's defaults.
runtime::Spec make_spec(const SpecInputs& in);

}  // namespace engine
