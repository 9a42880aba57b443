#pragma once

#include "base/json.hpp"
#include "runtime/spec.hpp"

namespace runtime {

/// The "linux" object. Source: runtime-spec config-linux.md. @throws Error corrupt, naming the JSON path.
/// @param taken_out  The seccomp profile that a profile_marker stands for, if one was taken out.
Linux parse_linux(const base::JsonAt& json, std::string_view taken_out);
/// The "process" object, also of `exec --process`.
Process parse_process(const base::JsonAt& json);
/// An array of id mappings: at least one id each, apart from each other in the container.
std::vector<IdMapping> parse_id_mappings(const base::JsonAt& json);
/// The members of "linux" that spec_tuning.cpp is about, checked against result.namespaces.
void parse_tuning(const base::JsonAt& json, Linux& result);

/// Whether a sysctl belongs to a namespace that a container can own, and to which: "ipc", "network" or "uts"; empty for
/// one that would change the host. Source: config-linux.md "Sysctl", namespaces(7).
std::string_view namespace_of_sysctl(std::string_view name);

/// "belongs to no namespace", …: why a container with these namespaces may not set it; empty: it may.
std::string sysctl_problem(const Linux& of, const std::string& name);

}  // namespace runtime
