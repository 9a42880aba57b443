#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/mount_options.hpp"
#include "runtime/spec.hpp"

// Decisions, made before anything is done: pure functions from a Spec to lists of steps.

namespace runtime {

struct NamespaceToJoin {
  unsigned flag = 0;  ///< CLONE_NEW*
  std::string type;   ///< As in config.json.
  std::string path;
};

struct NamespacePlan {
  unsigned created = 0;  ///< CLONE_NEW* of those to be made.
  std::vector<NamespaceToJoin> joined;

  bool creates(unsigned flag) const { return (created & flag) != 0; }
  bool joins(unsigned flag) const;
  /// We own it, so the kernel lets us mount and configure what belongs to it.
  bool owns(unsigned flag) const { return creates(flag) || joins(flag); }
};

enum class MountKind {
  bind,
  remount,  ///< Changes what is mounted there already.
  proc,
  sysfs,
  cgroup,
  mqueue,
  devpts,
  device_tmpfs,  ///< The tmpfs on /dev, which gets device nodes and links at once.
  filesystem     ///< tmpfs, and whatever else the kernel lets us mount.
};

struct MountStep {
  MountKind kind = MountKind::filesystem;
  std::string destination;
  std::string type;
  std::string source;  ///< For binds absolute.
  MountOptions options;
  /// Of an idmapped mount. Both empty although options.id_map says so: those of the user namespace that is joined.
  std::vector<IdMapping> uid_mappings, gid_mappings;

  bool is_idmapped() const { return options.id_map != IdMap::none; }
};

/// SELinux: what label the file systems that are made get, and by which mount option; no text: none.
struct MountLabel {
  std::string option = "context";
  std::string text;
};

struct ContainerPlan {
  NamespacePlan namespaces;
  std::vector<MountStep> mounts;
  bool keeps_host_propagation = false;  ///< Some mount or the root wants to be a slave or shared.
  std::uint64_t root_propagation = 0;   ///< MS_*; 0: private.
  bool recursive_root_propagation = false;
  MountLabel mount_label;
};

/// @param bundle   Relative bind sources begin there.
/// @throws Error unsupported for a spec that is valid but that we cannot honour: no mount namespace.
ContainerPlan plan_container(const Spec& spec, const std::string& bundle);

NamespacePlan plan_namespaces(const std::vector<Namespace>& namespaces);
MountStep plan_mount(const Mount& mount, const std::string& bundle);

/// CLONE_NEW* for "network", "mount", …; 0 when unknown.
unsigned namespace_flag(std::string_view type);
/// "net" for CLONE_NEWNET: the name in /proc/PID/ns.
std::string_view namespace_file(unsigned flag);

/// "/a//b/./c/" to "/a/b/c"; not for paths with "..".
std::string clean_path(std::string_view path);

}  // namespace runtime
