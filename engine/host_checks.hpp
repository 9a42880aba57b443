#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What may be wrong with a host, one check a cause; `doctor` runs them all, `explain` those that belong to a failure.

namespace engine {

/// A host as the checks see it. Files are read below `root`, and what must be tried is asked of `probes`: a test shows
/// them a host that is broken in one way.
struct HostView {
  std::string root;  ///< Put before every absolute path; "" on a real host.
  std::uint32_t uid = 0;
  std::string user;
  std::string home;
  std::string store;        ///< Absolute path of --root.
  std::string run_dir;      ///< The folder that the state of running containers is in.
  std::string engine_path;  ///< Absolute path of the running executable.
  std::int64_t now = 0;     ///< Seconds since 1970.
  std::function<std::optional<std::string>(const char*)> environment;

  /// Each tells why something does not work; empty: it does.
  struct Probes {
    std::function<std::string()> user_namespace;
    std::function<std::string()> newuidmap, newgidmap;
    std::function<std::string()> network_helper;
    std::function<std::string()> open_fuse, open_tun;
  } probes;
  /// "overlay", "fuse-overlayfs" or "copy", and why no better one.
  std::function<std::pair<std::string, std::string>()> driver;
  std::function<bool()> is_only_chroot;  ///< Neither namespaces nor mounts can be made; engine-modes(7).
  std::function<std::vector<std::string>()> store_place;  ///< storage::explain_place of the store.
  struct Space {
    std::uint64_t free_bytes = 0, all_bytes = 0, free_inodes = 0, all_inodes = 0;
  };
  std::function<std::optional<Space>(const std::string& path)> space;
  std::function<std::vector<std::string>()> delegated_controllers;
  std::function<std::string()> cgroup_mode;  ///< "v2", "hybrid", "v1", "none"

  /// Nothing where it is absent or closed to us.
  std::optional<std::string> read(const std::string& path) const;
  struct File {
    std::uint32_t uid = 0;
    std::uint32_t mode = 0;  ///< As st_mode.
  };
  std::optional<File> look(const std::string& path) const;
  std::vector<std::string> list(const std::string& path) const;  ///< Names; none where it is absent.
};

enum class CheckStatus { ok, note, warning, problem };
std::string_view name_of(CheckStatus status);

struct CheckResult {
  CheckStatus status = CheckStatus::ok;
  std::string evidence;     ///< What was seen: "no line for \"joe\" in /etc/subuid".
  std::string consequence;  ///< What does not work, or works worse.
  std::string remedy;       ///< For people; empty when there is nothing to do.
  std::string script;       ///< Shell lines that do it; empty when nobody can know them.
  bool needs_root = false;
};

struct HostCheck {
  std::string_view id;  ///< Stable: "subuid-range".
  std::string_view title;
  CheckResult (*run)(const HostView& host);
};

/// All of them, in the order in which they are shown.
std::vector<HostCheck> host_checks();
/// As HostCheck::run; a check that fails itself is a warning with its error.
CheckResult run_check(const HostCheck& check, const HostView& host);

// By topic; host_checks() is made of these.
const std::vector<HostCheck>& id_checks();
const std::vector<HostCheck>& namespace_checks();
const std::vector<HostCheck>& storage_checks();
const std::vector<HostCheck>& session_checks();
const std::vector<HostCheck>& network_checks();
const std::vector<HostCheck>& config_checks();

}  // namespace engine
