#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cmd {

/// One option of the OCI command line, which other programs type, not people.
struct OciOption {
  std::string_view name;             ///< Without dashes.
  char short_name = '\0';            ///< '\0': none.
  std::string_view value_name = {};  ///< "FILE"; empty: a flag. With '|': the only values there are.
  std::string_view help = {};        ///< Empty: another spelling, works but is not shown.

  bool takes_value() const noexcept { return !value_name.empty(); }
};

/// Options and words of one command, in the order typed.
struct OciWords {
  std::vector<std::pair<std::string, std::string>> options;  ///< (long name, value or "")
  std::vector<std::string> words;

  bool has(std::string_view name) const;
  /// The last one given; nothing when there is none.
  std::optional<std::string> value(std::string_view name) const;
  std::string value_or(std::string_view name, std::string_view fallback) const;
  std::vector<std::string> values(std::string_view name) const;
  /// The last one given, as a number of at most `largest`. @throws Error invalid_argument for anything else.
  std::optional<std::uint64_t> number(std::string_view name, std::uint64_t largest) const;
};

/// Splits `words` as runc does: `--name value`, `--name=value`, `-n value`, a single dash before a long name, `--` ends
/// the options; and as crun does: `-dt` is `-d -t`.
/// @param stop_at_word   The first word ends the options, too: what follows belongs to another command.
/// @throws Error invalid_argument for an unknown option, a missing value, or one that is not among those of the option.
OciWords split_oci_words(const std::vector<OciOption>& options, const std::vector<std::string>& words,
                         bool stop_at_word);

}  // namespace cmd
