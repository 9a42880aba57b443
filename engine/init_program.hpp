#pragma once

#include <string>

#include "runtime/spec.hpp"

namespace engine {

// --init with a program of the host, bound into the container and executed before the container's own, as podman has
// it.

/// --init-path. @throws Error invalid_argument, not_found. @return an absolute path.
std::string find_init_path(const std::string& path);
void add_init_program(runtime::Spec& spec, const std::string& program);
bool has_init_program(const runtime::Spec& spec);

}  // namespace engine
