#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "engine/doctor.hpp"

// What a failure means, why it happened on this host, and what helps.

namespace engine {

/// One kind of failure.
struct FailureKind {
  std::string_view id;  ///< Stable: scripts and pages may name it.
  std::string_view title;
  std::array<std::string_view, 2> words;  ///< A message that has both means this; the second may be empty.
  std::string_view meaning;
  std::string_view remedy;
  std::array<std::string_view, 5> checks;  ///< Ids of host checks that show the cause; empty ones at the end.
};

/// The more special ones first: the first whose words a message has is meant.
std::span<const FailureKind> known_failures();
/// Pure; null: no kind that is known.
const FailureKind* kind_of_failure(std::string_view message);

/// What the last command that failed said; kept in the run folder until the next one fails.
struct LastFailure {
  std::string command;  ///< "engine run", without its words: they may hold secrets.
  std::string message;
  std::string hint;
  std::string time;  ///< RFC 3339
};
/// Where the run folder is there; never throws.
void remember_failure(const GlobalOptions& options, const std::string& command, const base::Error& error) noexcept;
std::optional<LastFailure> last_failure(const Engine& engine);

struct Explanation {
  std::optional<LastFailure> failure;
  const FailureKind* kind = nullptr;  ///< Null: not a kind that is known.
  std::vector<Diagnosis> causes;      ///< Checks that found something on this host.
};
/// @param what  "LAST", or the id of a kind. @throws Error not_found.
Explanation explain(Engine& engine, const std::string& what);

/// Why a container could not use `path` of the host through -v: each folder on the way to it, and who owns it outside
/// and inside. One line each, the cause last. @throws Error invalid_argument for a path that is not absolute.
std::vector<std::string> explain_mount(Engine& engine, const std::string& path);

}  // namespace engine
