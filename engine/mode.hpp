#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_writer.hpp"
#include "engine/context.hpp"
#include "engine/driver.hpp"
#include "engine/run_options.hpp"
#include "rootless/cgroup.hpp"
#include "rootless/id_map.hpp"
#include "runtime/spec.hpp"

namespace engine {

/// One rung of the ladder that was taken. man/engine-modes.7.md lists the words.
struct ModePart {
  std::string name;    ///< ids|rootfs|namespaces|cgroup|network
  std::string value;   ///< "subordinate", "overlay", "all", …
  std::string reason;  ///< Why there is no better one; empty: this is the best.
};

/// What containers here are made of.
struct Mode {
  std::vector<ModePart> parts;
  bool emulates_root = false;  ///< In single-id mode: runtime/seccomp_emulation.hpp.
};
Mode find_mode(Engine& engine);
/// "ids=single (no range …) rootfs=overlay namespaces=all cgroup=none (…) network=pasta"
std::string mode_line(const Mode& mode);
/// As "mode" of `info`.
void write_mode(base::JsonWriter& json, Engine& engine, const rootless::Delegation& delegation,
                const DriverChoice& driver);

/// What a part may be called in --require: "full" is all of them.
/// @throws Error invalid_argument
void check_require(const std::vector<std::string>& required);

/// Tells the mode at log level info, and holds --require against it.
/// @return  The options without the namespaces that cannot be had here; nothing: as they were asked for.
/// @throws Error unsupported for a part that is required and fell back; invalid_argument.
std::optional<RunOptions> fit_to_mode(Engine& engine, const RunOptions& options);

/// Whether a container with these ids gets the filter of runtime/seccomp_emulation.hpp.
bool emulates_root(const Engine& engine, const RunOptions& options, const rootless::IdMap& map);
/// Where such a container has the settings that apt needs; APT_CONFIG says so.
constexpr const char* apt_settings_place = "/run/.engine-apt.conf";

/// The part of the mode that a container's configuration shows: the filter that emulates root, and what cannot be done
/// with the outer /proc.
void apply_mode(Engine& engine, const RunOptions& options, const rootless::IdMap& map, runtime::Spec& spec);

/// engine.conf may force a lower rung, which is what tests do: `mode.ids`.
void force_single_id(rootless::HostFacts& host, const Config& config);

/// Where the store's usual place is on a read-only file system, a new store in the run folder takes its place, and the
/// images of the usual one are read from there. Says so.
void leave_read_only_place(Config& config, const GlobalOptions& options, const rootless::HostFacts& host);

}  // namespace engine
