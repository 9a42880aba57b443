#pragma once

#include "runtime/spec.hpp"

namespace runtime {

/// What annotations "run.oci.*" of crun mean for a container, put where the rest of the spec says such things. Only for
/// callers whose config.json is trusted; images' annotations never get here.
/// @throws Error unsupported for one whose meaning we would have to ignore, invalid_argument for a bad value; both name
/// the annotation. Unknown ones are ignored. Source: crun(1) "Extensions to OCI".
void apply_annotations(Spec& spec);

/// The names of those that mean something, for `features`.
std::vector<std::string> known_annotations();

/// The value of an annotation; nothing when it is absent.
const std::string* find_annotation(const std::vector<std::pair<std::string, std::string>>& annotations,
                                   std::string_view key);

}  // namespace runtime
