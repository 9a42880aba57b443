#pragma once

#include <string>

#include "registry/open_source.hpp"

namespace registry {

/// Asks the registry of `domain` whether it accepts options.credentials: GET /v2/, and a token for nothing in
/// particular where it wants one. @throws Error permission, when it does not; network. Source: OCI distribution-spec
/// "Determining Support".
void check_login(const std::string& domain, const RegistryOptions& options);

}  // namespace registry
