#pragma once

#include <string>

#include "base/oci/reference.hpp"
#include "engine/context.hpp"
#include "registry/registries_d.hpp"

namespace engine {

/// The folder of registries.d that counts: the user's where there is one, else the system's.
std::string registries_d_folder(const Engine& engine);

/// All *.yaml files of that folder.
registry::RegistriesD load_registries_d(const Engine& engine);
registry::RegistriesD load_registries_d(const std::string& folder);

/// Where signatures of `image` are read from or written to; without a word in registries.d a folder of the user's, or
/// for root /var/lib/containers/sigstore. Source: containers-registries.d(5).
std::string lookaside_of(const Engine& engine, const registry::RegistriesD& conf, const oci::Reference& image,
                         registry::LookasideUse use);

}  // namespace engine
