#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Unit files of systemd: read, changed and written. Source: systemd.syntax(7).

namespace engine {

constexpr std::size_t max_unit_bytes = 1 << 20;
constexpr std::size_t max_unit_lines = 20000;

/// One assignment, and where it was written.
struct UnitLine {
  std::string key;
  std::string value;  ///< Continued lines joined, blanks at its ends gone; nothing resolved.
  std::string file;   ///< Path; empty for what we have added.
  unsigned number = 0;
};

/// "path:12", for messages.
std::string place_of(const UnitLine& line);

struct UnitSection {
  std::string name;
  std::vector<UnitLine> lines;
};

class UnitFile {
 public:
  /// Continuation lines, comments (also between continued lines), sections that come again.
  /// @throws Error corrupt, with file and line, for what systemd would not understand, and beyond the limits above.
  static UnitFile parse(std::string_view text, const std::string& path);

  const std::vector<UnitSection>& sections() const { return sections_; }
  const UnitSection* find(std::string_view section) const;

  /// The last assignment; nothing when there is none, or when it is empty.
  std::optional<std::string> last(std::string_view section, std::string_view key) const;
  /// The last assignment, also an empty one.
  const UnitLine* last_line(std::string_view section, std::string_view key) const;
  /// All assignments since the last empty one, which takes back what was said before it.
  std::vector<const UnitLine*> all(std::string_view section, std::string_view key) const;
  bool has(std::string_view section, std::string_view key) const { return last(section, key).has_value(); }

  /// Adds an assignment at the end of a section, which is made where it is not there.
  void add(std::string_view section, std::string key, std::string value);
  /// As add, unless the key is there already.
  void add_default(std::string_view section, std::string key, std::string value);
  /// Adds an assignment in front of all others.
  void add_first(std::string_view section, std::string key, std::string value);
  /// Takes all assignments of a key out.
  void remove(std::string_view section, std::string_view key);
  void rename_section(std::string_view from, std::string to);
  /// What a drop-in says comes after what is here.
  void merge(const UnitFile& drop_in);
  /// Replaces the value of each line of a section for which `change` gives another one.
  template <class Change>
  void change_values(std::string_view section, Change change) {
    for (UnitLine& line : section_for(section).lines) change(line);
  }

  /// As systemd reads it again; an assignment a line.
  std::string text() const;

 private:
  UnitSection& section_for(std::string_view name);
  std::vector<UnitSection> sections_;
};

}  // namespace engine
