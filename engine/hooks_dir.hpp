#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "runtime/spec.hpp"

namespace engine {

/// The hooks of one moment: "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop".
/// Null: no moment has this name. Source: OCI runtime-spec config.md, POSIX-platform Hooks.
std::vector<runtime::Hook>* hooks_at(runtime::Hooks& hooks, std::string_view moment);

/// "path", "args", "env" and "timeout" of a hook. @throws Error corrupt when the path is not absolute.
runtime::Hook parse_hook(const base::JsonAt& json);

/// What a hook's file may ask of a container.
struct HookSubject {
  const std::vector<std::pair<std::string, std::string>>& annotations;
  std::string command;       ///< argv[0]
  bool has_volumes = false;  ///< The user asked for a bind mount or a volume.
};

/// Puts the hooks of *.json files whose conditions the container meets behind those of `hooks`, in the order of the
/// files' names; a later folder's file replaces one of the same name. A folder that is absent has none.
/// @throws Error corrupt, invalid_argument, not_found, which name the file. Source: oci-hooks(5).
void add_hooks_of_folders(const std::vector<std::string>& folders, const HookSubject& subject, runtime::Hooks& hooks);

}  // namespace engine
