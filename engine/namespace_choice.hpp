#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/context.hpp"

namespace engine {

/// What containers here have to do without: kinds of namespaces that cannot be made, and a /proc of their own.
struct NamespaceChoice {
  struct Missing {
    /// "network", "pid", "ipc", "uts", "cgroup"; "proc": the outer /proc is bound; "user": none at all can be made.
    std::string name;
    std::string reason;  ///< The kernel's.
    bool operator==(const Missing&) const = default;
  };
  std::vector<Missing> missing;
  bool lacks(std::string_view name) const;
  /// All that is left is chroot(2): engine/chroot_mode.hpp.
  bool is_chroot() const { return lacks("user"); }
};

/// Names that `mode.without` of engine.conf may have.
const std::vector<std::string>& namespace_names();

/// Found out since boot in this user and mount namespace (`namespaces` in the run folder), else tried now, by making
/// them all once. Those that engine.conf takes away are missing, too.
/// @throws Error with the remedy, when there can be no user namespace.
const NamespaceChoice& find_namespaces(Engine& engine);

/// Whether find_namespaces may come to that: nothing is tried.
bool may_be_chroot(const Engine& engine);

/// What a remembered choice is true for.
struct NamespaceCircumstances {
  std::string boot_id;
  std::uint64_t user_namespace = 0;  ///< Inode of ours.
  /// Of the mount on /proc, never used again (Linux 6.8); else the inode of our mount namespace, which may be.
  std::uint64_t mounts = 0;
  bool is_unique = false;
  bool operator==(const NamespaceCircumstances&) const = default;
};
std::string namespace_record_text(const NamespaceChoice& choice, const NamespaceCircumstances& circumstances);
/// Nothing when it was found out under other circumstances, or cannot be read.
std::optional<NamespaceChoice> parse_namespace_record(std::string_view text,
                                                      const NamespaceCircumstances& circumstances);

/// `engine _inside probe-namespaces`: answers with lines "NAME REASON" over the channel. Returns the exit code.
int probe_namespaces_inside();
/// `engine _inside mount-proc`: the first process of a pid namespace tells on standard output why it gets no /proc.
int mount_proc_inside();

}  // namespace engine
