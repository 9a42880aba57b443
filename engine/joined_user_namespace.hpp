#pragma once

#include <optional>
#include <string>

#include "base/fd.hpp"
#include "engine/container_ids.hpp"
#include "engine/context.hpp"
#include "engine/run_options.hpp"
#include "runtime/spec.hpp"

namespace engine {

/// Whether it is the one that we are in.
bool is_our_user_namespace(int user_namespace);
/// @param what  Whose it is, for the error. @throws Error permission, when it belongs to another user.
void check_may_join(const Engine& engine, int user_namespace, const std::string& what);

/// The ids of a user namespace, told by a child that enters it. @throws Error permission, unsupported.
ContainerIds ids_inside(const Engine& engine, int user_namespace, const std::string& what);

/// `--userns ns:PATH`: the ids there; nothing for other words. @throws Error invalid_argument, not_found, permission.
std::optional<ContainerIds> ids_of_user_namespace(const Engine& engine, const RunOptions& options);

/// Before a start: what is at that path now has the ids that the container was made for. @throws Error in_use.
void check_user_namespace(const Engine& engine, const runtime::Spec& spec, const std::string& name);

/// `engine _network hold`: enters the user namespace of descriptor 3, says so by a byte, and waits for the end of its
/// standard input.
int hold_user_namespace();

}  // namespace engine
