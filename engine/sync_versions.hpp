#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

/// A semantic version, as tags have them: "1.2.3", "v1.2", "3.19-rc1". Missing parts are 0.
struct Version {
  std::array<std::uint64_t, 3> numbers{};
  std::vector<std::string> prerelease;  ///< "rc.1" as {"rc", "1"}; empty for a release.
};
/// Pure. Nothing, when it is none. What stands behind '+' does not count. Source: semver.org 2.0.0.
std::optional<Version> parse_version(std::string_view text);
/// Negative, zero, positive. Source: semver.org 2.0.0, "Precedence".
int compare(const Version& one, const Version& other);

/// Conditions on versions: ">= 1.2, < 2 || 3.x", "~1.2", "^1.2.3", "1.2 - 1.4". A version that is no release is only
/// allowed where the condition names one. Source: github.com/Masterminds/semver, "Basic Comparisons" and what follows.
class VersionConstraint {
 public:
  /// @throws Error invalid_argument.
  static VersionConstraint parse(std::string_view text);
  bool allows(const Version& version) const;

 private:
  struct Condition {
    enum class Kind { equal, unequal, less, less_equal, greater, greater_equal };
    Kind kind = Kind::equal;
    Version version;
  };
  using All = std::vector<Condition>;
  static void add_term(All& all, std::string_view term, std::string_view whole);
  static bool holds(const Condition& condition, const Version& version);
  std::vector<All> any_;
};

}  // namespace engine
