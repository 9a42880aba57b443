#pragma once

#include <string>
#include <vector>

#include "base/digest.hpp"
#include "engine/context.hpp"
#include "engine/signing_options.hpp"
#include "registry/open_source.hpp"

// Signatures made by us, for push and copy. Only in engine-transfer.

namespace engine {

/// Signatures of an image that goes to one place: made before anything is sent, put there when all of it is.
class NewSignatures {
 public:
  /// @param digests  Of the manifests, the one that the name means first.
  /// @throws Error unsupported, for a place that has no signatures; not_found, invalid_argument, for a bad key.
  NewSignatures(const Engine& engine, const SigningOptions& options, registry::SourceName place,
                const std::vector<base::Digest>& digests);
  void put(const registry::RegistryOptions& options) const;

 private:
  struct Signature {
    base::Digest manifest;
    std::string payload;
    std::string bytes;
  };
  void put_gpg(const Signature& signature) const;

  registry::SourceName place_;
  std::string lookaside_;
  std::vector<Signature> by_gpg_, by_cosign_;
};

}  // namespace engine
