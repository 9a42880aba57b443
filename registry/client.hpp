#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "base/oci/reference.hpp"
#include "registry/image_source.hpp"
#include "registry/open_source.hpp"

namespace registry {

/// How to wait before a retry; tests give one that only takes notes.
using Sleeper = std::function<void(std::chrono::milliseconds)>;
void sleep_really(std::chrono::milliseconds time);

/// An image on a registry: mirrors of registries.conf in order, then the registry itself.
/// Source: OCI distribution-spec "Pull".
std::unique_ptr<ImageSource> open_docker_source(const oci::Reference& reference, const RegistryOptions& options,
                                                Sleeper sleeper = sleep_really);

}  // namespace registry
