#include "engine/sync_versions.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace engine {
namespace {

constexpr const char* operator_signs = "<>=!~^";

/// A version with parts left out: "1.x", "1", "*".
struct PartialVersion {
  Version version;
  std::size_t given = 0;  ///< How many numbers there are.
};

bool is_identifier(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

std::optional<PartialVersion> parse_partial(std::string_view text, bool may_have_wildcards) {
  if (text.substr(0, 1) == "v") text.remove_prefix(1);
  text = text.substr(0, text.find('+'));
  PartialVersion partial;
  const std::size_t dash = text.find('-');
  if (dash != std::string_view::npos) {
    for (const std::string_view part : base::split(text.substr(dash + 1), '.')) {
      if (!is_identifier(part)) return std::nullopt;
      partial.version.prerelease.emplace_back(part);
    }
  }
  const std::vector<std::string_view> numbers = base::split(text.substr(0, dash), '.');
  if (numbers.size() > 3) return std::nullopt;
  bool was_wildcard = false;
  for (const std::string_view number : numbers) {
    if (may_have_wildcards && (number == "x" || number == "X" || number == "*")) {
      was_wildcard = true;
      continue;
    }
    const auto value = base::parse_unsigned(number);
    if (!value || was_wildcard) return std::nullopt;
    partial.version.numbers[partial.given++] = *value;
  }
  return partial;
}

int compare_identifiers(const std::string& one, const std::string& other) {
  const auto number = base::parse_unsigned(one);
  const auto other_number = base::parse_unsigned(other);
  if (number && other_number) return *number < *other_number ? -1 : *number > *other_number ? 1 : 0;
  if (number || other_number) return number ? -1 : 1;
  return one.compare(other);
}

/// The first version that is not `given` numbers' worth of `version` any more: of 1.2 it is 1.3.
Version next_after(const Version& version, std::size_t given) {
  Version next;
  for (std::size_t i = 0; i < given; ++i) next.numbers[i] = version.numbers[i];
  if (given > 0) ++next.numbers[given - 1];
  return next;
}

/// Pure. "1.2 - 1.4" to ">=1.2 <=1.4": a hyphen with blanks around it.
std::string without_hyphens(std::string_view text) {
  const std::size_t hyphen = text.find(" - ");
  if (hyphen == std::string_view::npos) return std::string{text};
  return base::concat(">=", base::trim(text.substr(0, hyphen)), " <=", base::trim(text.substr(hyphen + 3)));
}

/// Words between blanks and commas; an operator that stands alone belongs to the next.
std::vector<std::string> terms_of(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == ',' || c == '\t'; }, ' ');
  std::vector<std::string> terms;
  for (const std::string_view word : base::split(text, ' ')) {
    if (word.empty()) continue;
    if (!terms.empty() && terms.back().find_first_not_of(operator_signs) == std::string::npos)
      terms.back() += word;
    else
      terms.emplace_back(word);
  }
  return terms;
}

}  // namespace

std::optional<Version> parse_version(std::string_view text) {
  const std::optional<PartialVersion> partial = parse_partial(text, false);
  if (!partial || partial->given == 0) return std::nullopt;
  return partial->version;
}

int compare(const Version& one, const Version& other) {
  for (std::size_t i = 0; i < 3; ++i)
    if (one.numbers[i] != other.numbers[i]) return one.numbers[i] < other.numbers[i] ? -1 : 1;
  if (one.prerelease.empty() || other.prerelease.empty())
    return static_cast<int>(one.prerelease.empty()) - static_cast<int>(other.prerelease.empty());
  const std::size_t shared = std::min(one.prerelease.size(), other.prerelease.size());
  for (std::size_t i = 0; i < shared; ++i)
    if (const int order = compare_identifiers(one.prerelease[i], other.prerelease[i]); order != 0) return order;
  return one.prerelease.size() < other.prerelease.size() ? -1 : one.prerelease.size() > other.prerelease.size() ? 1 : 0;
}

void VersionConstraint::add_term(All& all, std::string_view term, std::string_view whole) {
  using Kind = Condition::Kind;
  const std::size_t length = std::min(term.find_first_not_of(operator_signs), term.size());
  const std::string_view sign = term.substr(0, length);
  const std::optional<PartialVersion> partial = parse_partial(term.substr(length), true);
  const auto bad = [&] {
    return base::make_error(base::ErrorKind::invalid_argument, base::quoted(whole), " is no condition on versions")
        .with_hint("such as \">= 1.2, < 2\", \"~1.2\", \"^1\" or \"1.x\"");
  };
  if (!partial) throw bad();
  const auto& [version, given] = *partial;
  const bool is_whole = given == 3;
  const auto between = [&](std::size_t fixed) {
    all.push_back({Kind::greater_equal, version});
    if (fixed > 0) all.push_back({Kind::less, next_after(version, fixed)});
  };
  if (sign == ">=" || sign == "=>")
    all.push_back({Kind::greater_equal, version});
  else if (sign == "<")
    all.push_back({Kind::less, version});
  else if (sign == ">")
    all.push_back(is_whole ? Condition{Kind::greater, version}
                           : Condition{Kind::greater_equal, next_after(version, given)});
  else if (sign == "<=" || sign == "=<")
    all.push_back(is_whole ? Condition{Kind::less_equal, version} : Condition{Kind::less, next_after(version, given)});
  else if (sign == "!=")
    all.push_back({Kind::unequal, version});
  else if (sign == "~" || sign == "~>")
    between(std::min<std::size_t>(given, 2));
  else if (sign == "^") {
    // Up to the first number that is not zero.
    std::size_t fixed = 1;
    while (fixed < given && version.numbers[fixed - 1] == 0) ++fixed;
    between(std::min(fixed, given));
  } else if (sign.empty() || sign == "=") {
    if (is_whole)
      all.push_back({Kind::equal, version});
    else
      between(given);
  } else {
    throw bad();
  }
}

VersionConstraint VersionConstraint::parse(std::string_view text) {
  VersionConstraint constraint;
  std::string_view rest = text;
  while (true) {
    const std::size_t bars = rest.find("||");
    All all;
    for (const std::string& term : terms_of(without_hyphens(base::trim(rest.substr(0, bars)))))
      add_term(all, term, text);
    if (all.empty())
      throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(text), " is no condition on versions");
    constraint.any_.push_back(std::move(all));
    if (bars == std::string_view::npos) return constraint;
    rest.remove_prefix(bars + 2);
  }
}

bool VersionConstraint::holds(const Condition& condition, const Version& version) {
  const int order = compare(version, condition.version);
  switch (condition.kind) {
    case Condition::Kind::equal:
      return order == 0;
    case Condition::Kind::unequal:
      return order != 0;
    case Condition::Kind::less:
      return order < 0;
    case Condition::Kind::less_equal:
      return order <= 0;
    case Condition::Kind::greater:
      return order > 0;
    case Condition::Kind::greater_equal:
      return order >= 0;
  }
  return false;
}

bool VersionConstraint::allows(const Version& version) const {
  return std::any_of(any_.begin(), any_.end(), [&](const All& all) {
    const bool names_prerelease = std::any_of(
        all.begin(), all.end(), [](const Condition& condition) { return !condition.version.prerelease.empty(); });
    if (!version.prerelease.empty() && !names_prerelease) return false;
    return std::all_of(all.begin(), all.end(), [&](const Condition& condition) { return holds(condition, version); });
  });
}

}  // namespace engine
