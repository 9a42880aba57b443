#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/oci/reference.hpp"

// policy.json: which images may be taken at all. Pure. Source: containers-policy.json(5).

namespace registry {

/// Which image a signature must speak of.
struct SignedIdentity {
  enum class Kind { exact, repository_for_digests, repository, given_reference, given_repository, remapped };
  Kind kind = Kind::repository_for_digests;
  std::string first;   ///< The given reference or repository; the prefix that is remapped.
  std::string second;  ///< The signed prefix.
};

struct PolicyRequirement {
  enum class Kind { accept, reject, gpg_signed, sigstore_signed, not_supported };
  Kind kind = Kind::reject;
  std::string type;                    ///< As in the file.
  std::vector<std::string> key_paths;  ///< Of PEM files, or of GPG key rings; one of the keys must have signed.
  std::vector<std::string> key_texts;  ///< PEM, or a key ring as GPG exports it.
  SignedIdentity identity;
};

using PolicyRequirements = std::vector<PolicyRequirement>;

struct Policy {
  PolicyRequirements fallback;
  std::map<std::string, std::map<std::string, PolicyRequirements>> transports;  ///< By transport, then by scope.
};

/// Strict: what is unknown, missing or there twice makes the whole file invalid.
/// @throws Error invalid_argument, naming `file` and the place in it.
Policy parse_policy(std::string_view json, const std::string& file);

struct FoundRequirements {
  const PolicyRequirements* requirements = nullptr;  ///< Never null.
  std::string scope;                                 ///< "docker:quay.io/team"; "default"
};
/// Those of the first of `scopes` that the policy has, then of the transport, then the default. All must hold.
FoundRequirements find_requirements(const Policy& policy, const std::string& transport,
                                    const std::vector<std::string>& scopes);

/// From the image itself to its registry's domain, the most specific first: "quay.io/a/b:1", "quay.io/a/b",
/// "quay.io/a", "quay.io", "*.io".
std::vector<std::string> policy_scopes(const oci::Reference& reference);
/// The same of an absolute path, with or without a tag: "/a/b:1", "/a/b", "/a".
std::vector<std::string> policy_scopes(const std::string& path, const std::string& tag);

/// Whether a signature over `claimed`, a docker reference, is one for `image`; one that has no name of a registry (of
/// the transport dir) only matches what the policy itself names.
bool is_identity_accepted(const SignedIdentity& identity, const std::string& claimed,
                          const std::optional<oci::Reference>& image);

}  // namespace registry
