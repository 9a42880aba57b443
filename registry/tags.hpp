#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "registry/repository.hpp"

namespace registry {

inline constexpr std::size_t max_names_in_a_list = 1'000'000;

/// The tags of a repository in the registry's order, over as many pages as there are.
/// @param limit  No more than that many are fetched and returned; 0: all.
/// @throws Error not_found, network, permission, corrupt. Source: OCI distribution-spec "Listing Tags".
std::vector<std::string> list_tags(Repository& repository, std::size_t limit);

/// The names of all repositories of the registry that `repository` is at, likewise.
/// Source: docker/distribution "Listing Repositories"; the OCI specification leaves it out, and many refuse it.
std::vector<std::string> list_repositories(Repository& repository, std::size_t limit);

}  // namespace registry
