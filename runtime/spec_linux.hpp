#pragma once

#include "base/json.hpp"
#include "runtime/spec.hpp"

namespace runtime {

/// The "linux" object. Source: runtime-spec config-linux.md. @throws Error corrupt, naming the JSON path.
Linux parse_linux(const base::JsonAt& json);
/// The "process" object, also of `exec --process`.
Process parse_process(const base::JsonAt& json);

/// Whether a sysctl belongs to a namespace that a container can own, and to which: "ipc", "network" or "uts"; empty for
/// one that would change the host. Source: config-linux.md "Sysctl", namespaces(7).
std::string_view namespace_of_sysctl(std::string_view name);

}  // namespace runtime
