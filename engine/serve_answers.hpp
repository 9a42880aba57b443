#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "registry/http_server.hpp"
#include "registry/referrers.hpp"

// The answers of a registry, and which question a path is. Source: OCI distribution-spec "Endpoints", "Error Codes".

namespace engine {

/// What a client asks.
struct RegistryQuestion {
  enum class What { base, catalog, tags, manifest, blob, referrers, unknown };
  What what = What::unknown;
  std::string repository;
  std::string name;  ///< Tag or digest.
};
/// Pure. Names are checked by the grammar, so that none can be a path of ours.
RegistryQuestion parse_question(std::string_view path);

registry::ServerResponse error_answer(int status, std::string_view code, std::string_view message);
registry::ServerResponse not_found_answer(const RegistryQuestion& question);
registry::ServerResponse json_answer(std::string json, std::string_view media_type = "application/json");
/// Manifest bytes with their digest.
registry::ServerResponse manifest_answer(std::string bytes, const std::string& media_type, const base::Digest& digest);
/// A file that is a blob, or the part of it that a Range header asks for.
registry::ServerResponse blob_answer(base::UniqueFd fd, std::uint64_t size_bytes, const base::Digest& digest,
                                     const registry::ServerRequest& request);
/// An index of `found`, or of those of the kind that "artifactType" asks for.
registry::ServerResponse referrers_answer(const registry::ServerRequest& request,
                                          const std::vector<registry::Referrer>& found);
/// The page that "n" and "last" ask for, of `sorted`; with a Link when there is more. `key`: "tags" or "repositories".
registry::ServerResponse page_answer(const registry::ServerRequest& request, const std::string& repository,
                                     std::string_view key, const std::vector<std::string>& sorted);

}  // namespace engine
