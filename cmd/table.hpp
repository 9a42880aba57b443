#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cmd {

/// Columns for people. As podman's: each as wide as its widest cell and two blanks, at least twelve; the last is not
/// padded. Control bytes, which a stranger's image may have put into a name, are shown as '?'.
class Table {
 public:
  explicit Table(std::vector<std::string> headings) { rows_.push_back(std::move(headings)); }
  /// `cells` has as many entries as there are headings.
  void add_row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  /// Lines, with or without the headings (which count for the widths only when they are shown).
  std::string text(bool with_headings) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// Characters, not bytes; wide ones count once.
std::size_t character_count(std::string_view text);

/// The first `limit` bytes' worth of `text`, ending in "..." when something is missing; never cuts a character in two.
std::string shortened(const std::string& text, std::size_t limit);

}  // namespace cmd
