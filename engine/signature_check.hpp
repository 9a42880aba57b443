#pragma once

#include <string>

#include "base/digest.hpp"
#include "engine/context.hpp"
#include "registry/open_source.hpp"
#include "registry/policy.hpp"

namespace engine {

/// Why no signature of the manifest `digest` meets a requirement that asks for one; empty, when one does. Signatures of
/// GPG come from where registries.d says, or lie in the folder of an image of the transport dir; those of cosign are in
/// the registry, beside the image.
/// @throws Error network, not_found (a key), invalid_argument (registries.d, a key), unsupported (no gpg).
std::string signature_fault(const Engine& engine, const registry::PolicyRequirement& requirement,
                            const registry::SourceName& name, const base::Digest& digest,
                            const registry::RegistryOptions& options);

}  // namespace engine
