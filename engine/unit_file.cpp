#include "engine/unit_file.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace engine {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;

/// Whether a line ends in a backslash that is not escaped itself: the next one belongs to it.
bool goes_on(std::string_view line) {
  const std::size_t last_other = line.find_last_not_of('\\');
  return (line.size() - (last_other == std::string_view::npos ? 0 : last_other + 1)) % 2 == 1;
}

/// The logical lines of a file: those that end in a backslash go on in the next one that is no comment.
class LogicalLines {
 public:
  explicit LogicalLines(std::string_view text) : lines_(base::split(text, '\n')) {}

  struct Line {
    std::string text;
    unsigned number = 0;  ///< Of its first physical line, from 1 on.
  };
  std::optional<Line> next() {
    while (at_ < lines_.size()) {
      if (const std::string_view begin = base::trim(lines_[at_]); begin.empty() || is_comment(begin)) {
        ++at_;
        continue;
      }
      Line line{{}, static_cast<unsigned>(at_ + 1)};
      while (take_into(line.text)) {
      }
      return line;
    }
    return std::nullopt;
  }

 private:
  static bool is_comment(std::string_view trimmed) {
    return !trimmed.empty() && (trimmed.front() == '#' || trimmed.front() == ';');
  }
  static std::string_view without_carriage_return(std::string_view line) {
    return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
  }
  /// Adds one physical line. Returns whether another one follows.
  bool take_into(std::string& text) {
    if (at_ == lines_.size()) return false;
    const std::string_view line = without_carriage_return(lines_[at_++]);
    if (!text.empty() && is_comment(base::trim(line))) return true;
    if (!goes_on(line)) {
      text.append(line);
      return false;
    }
    text.append(line.substr(0, line.size() - 1));
    text += ' ';  // which the backslash stands for
    return true;
  }

  std::vector<std::string_view> lines_;
  std::size_t at_ = 0;
};

bool is_named(const UnitSection& section, std::string_view name) {
  return section.name == name;
}

}  // namespace

std::string place_of(const UnitLine& line) {
  return concat(line.file, ':', line.number);
}

UnitFile UnitFile::parse(std::string_view text, const std::string& path) {
  if (text.size() > max_unit_bytes ||
      static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) > max_unit_lines)
    throw make_error(ErrorKind::corrupt, path, ": is too large for a unit file");
  if (text.find('\0') != std::string_view::npos) throw make_error(ErrorKind::corrupt, path, ": is not text");
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  UnitFile file;
  UnitSection* section = nullptr;
  LogicalLines lines{text};
  while (const auto line = lines.next()) {
    const std::string_view trimmed = base::trim(line->text);
    if (trimmed.empty()) continue;  // a backslash, and nothing after it
    if (trimmed.front() == '[') {
      if (!trimmed.ends_with(']') || trimmed.size() == 2)
        throw make_error(ErrorKind::corrupt, path, ':', line->number, ": not a section: ", base::quoted(trimmed));
      section = &file.section_for(trimmed.substr(1, trimmed.size() - 2));
      continue;
    }
    const auto parts = base::split_once(trimmed, '=');
    const std::string_view key = parts ? base::trim(parts->first) : std::string_view{};
    if (key.empty())
      throw make_error(ErrorKind::corrupt, path, ':', line->number, ": not an assignment: ", base::quoted(trimmed));
    if (section == nullptr)
      throw make_error(ErrorKind::corrupt, path, ':', line->number, ": an assignment in front of the first section");
    section->lines.push_back({std::string{key}, std::string{base::trim(parts->second)}, path, line->number});
  }
  return file;
}

const UnitSection* UnitFile::find(std::string_view section) const {
  const auto found = std::find_if(sections_.begin(), sections_.end(),
                                  [&](const UnitSection& candidate) { return is_named(candidate, section); });
  return found == sections_.end() ? nullptr : &*found;
}

const UnitLine* UnitFile::last_line(std::string_view section, std::string_view key) const {
  const UnitSection* in = find(section);
  if (in == nullptr) return nullptr;
  const auto found =
      std::find_if(in->lines.rbegin(), in->lines.rend(), [&](const UnitLine& line) { return line.key == key; });
  return found == in->lines.rend() ? nullptr : &*found;
}

std::optional<std::string> UnitFile::last(std::string_view section, std::string_view key) const {
  const UnitLine* line = last_line(section, key);
  if (line == nullptr || line->value.empty()) return std::nullopt;
  return line->value;
}

std::vector<const UnitLine*> UnitFile::all(std::string_view section, std::string_view key) const {
  std::vector<const UnitLine*> found;
  const UnitSection* in = find(section);
  if (in == nullptr) return found;
  for (const UnitLine& line : in->lines) {
    if (line.key != key) continue;
    if (line.value.empty())
      found.clear();
    else
      found.push_back(&line);
  }
  return found;
}

UnitSection& UnitFile::section_for(std::string_view name) {
  const auto found = std::find_if(sections_.begin(), sections_.end(),
                                  [&](const UnitSection& candidate) { return is_named(candidate, name); });
  if (found != sections_.end()) return *found;
  return sections_.emplace_back(UnitSection{std::string{name}, {}});
}

void UnitFile::add(std::string_view section, std::string key, std::string value) {
  section_for(section).lines.push_back({std::move(key), std::move(value), {}, 0});
}

void UnitFile::add_default(std::string_view section, std::string key, std::string value) {
  if (!has(section, key)) add(section, std::move(key), std::move(value));
}

void UnitFile::add_first(std::string_view section, std::string key, std::string value) {
  UnitSection& to = section_for(section);
  to.lines.insert(to.lines.begin(), {std::move(key), std::move(value), {}, 0});
}

void UnitFile::remove(std::string_view section, std::string_view key) {
  std::erase_if(section_for(section).lines, [&](const UnitLine& line) { return line.key == key; });
}

void UnitFile::rename_section(std::string_view from, std::string to) {
  for (UnitSection& section : sections_)
    if (is_named(section, from)) section.name = to;
}

void UnitFile::merge(const UnitFile& drop_in) {
  for (const UnitSection& section : drop_in.sections_) {
    UnitSection& to = section_for(section.name);
    to.lines.insert(to.lines.end(), section.lines.begin(), section.lines.end());
  }
}

std::string UnitFile::text() const {
  std::string out;
  for (const UnitSection& section : sections_) {
    if (!out.empty()) out += '\n';
    out += concat('[', section.name, "]\n");
    for (const UnitLine& line : section.lines)
      out += concat(line.key, '=', line.value, goes_on(line.value) ? " \n" : "\n");
  }
  return out;
}

}  // namespace engine
