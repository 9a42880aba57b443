#pragma once

#include "cmd/oci_state.hpp"
#include "runtime/seccomp.hpp"
#include "runtime/spec.hpp"

// What `exec` needs of config.json, kept in the container's folder: parsing the whole and looking the filter up again
// costs more than half of what the kernel takes for the new process.

namespace cmd {

struct ExecDefaults {
  runtime::Spec spec;  ///< Only its exec_part() means something.
  runtime::SeccompFilter seccomp;
};

/// The process, personality and memory policy; to be taken before anything is added that is for the first process only.
runtime::Spec exec_part(const runtime::Spec& spec);

/// Under the container's lock. What it cannot keep, such as a filter with an agent, `exec` takes from config.json.
void save_exec_defaults(int dir, const runtime::Spec& exec_part, const runtime::SeccompFilter& seccomp);

/// @throws Error corrupt.
ExecDefaults read_exec_defaults(const OciContainer& container);

}  // namespace cmd
