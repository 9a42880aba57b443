#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/client.hpp"
#include "registry/open_source.hpp"

namespace registry {

inline constexpr unsigned default_search_limit = 25;

/// One image that a search found.
struct SearchHit {
  std::string index;        ///< The registry: "docker.io".
  std::string name;         ///< "docker.io/library/busybox"
  std::string description;  ///< One line; control bytes are blanks.
  std::uint64_t stars = 0;
  bool is_official = false;
  bool is_automated = false;
};

/// A word for one registry, or for all that are searched.
struct SearchTerm {
  std::string registry;  ///< Empty: the term named none.
  std::string words;
};
/// Pure. "quay.io/podman" is "podman" at quay.io; a first part without '.' and ':' is no registry.
SearchTerm parse_search_term(std::string_view term);

/// Asks `registry` by the old search API, which Docker Hub and a few others have, else looks through its list of
/// repositories. @throws Error not_found, network, permission; unsupported, when it has neither.
std::vector<SearchHit> search_registry(const std::string& registry, const std::string& words, unsigned limit,
                                       const RegistryOptions& options, Sleeper sleeper = sleep_really);

/// Pure. Results of the search API. @throws Error corrupt.
std::vector<SearchHit> parse_search_results(std::string_view json, const std::string& registry);

struct SearchFilter {
  std::uint64_t stars = 0;  ///< At least so many.
  std::optional<bool> is_official;
  std::optional<bool> is_automated;
};
/// Pure. "stars=3", "is-official", "is-automated=false". @throws Error invalid_argument.
SearchFilter parse_search_filters(const std::vector<std::string>& filters);
bool matches(const SearchHit& hit, const SearchFilter& filter);

}  // namespace registry
