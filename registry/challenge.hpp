#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace registry {

inline constexpr std::size_t max_challenge_bytes = 16 * 1024;
inline constexpr std::size_t max_challenges = 16;
inline constexpr std::size_t max_challenge_parameters = 32;

/// One challenge of a WWW-Authenticate header.
struct Challenge {
  std::string scheme;                                           ///< Lower case: "bearer", "basic".
  std::vector<std::pair<std::string, std::string>> parameters;  ///< Names in lower case.
  /// The first parameter of that name; empty when absent.
  std::string_view parameter(std::string_view name) const;
};

/// Pure. Parses one header value, which may hold several challenges; token68 values are skipped.
/// @throws Error network, past a limit or where quotes are unbalanced or the grammar is broken.
/// Source: RFC 9110 11.6.1.
std::vector<Challenge> parse_challenges(std::string_view header);

}  // namespace registry
