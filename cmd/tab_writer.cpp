#include "cmd/tab_writer.hpp"

#include <algorithm>
#include <vector>

#include "base/text.hpp"
#include "cmd/table.hpp"

namespace cmd {
namespace {

constexpr std::size_t narrowest_column = 12;
constexpr std::size_t gap = 2;

using Lines = std::vector<std::vector<std::string_view>>;

/// Gives each cell of lines [first, end) from `column` on its width; cells of the columns to the left have theirs.
void measure(const Lines& lines, std::vector<std::vector<std::size_t>>& widths, std::size_t first, std::size_t end,
             std::size_t column) {
  for (std::size_t at = first; at < end;) {
    if (lines[at].size() <= column + 1) {
      ++at;
      continue;
    }
    std::size_t width = narrowest_column;
    std::size_t last = at;
    for (; last < end && lines[last].size() > column + 1; ++last)
      width = std::max(width, character_count(lines[last][column]) + gap);
    for (std::size_t line = at; line < last; ++line) widths[line].push_back(width);
    measure(lines, widths, at, last, column + 1);
    at = last;
  }
}

}  // namespace

std::string align_tabs(std::string_view text) {
  Lines lines;
  for (const std::string_view line : base::split(text, '\n')) lines.push_back(base::split(line, '\t'));
  if (lines.back().back().empty()) lines.back().pop_back();  // nothing stands behind the last tab: no cell
  std::vector<std::vector<std::size_t>> widths(lines.size());
  measure(lines, widths, 0, lines.size(), 0);
  std::string out;
  for (std::size_t line = 0; line < lines.size(); ++line) {
    if (line > 0) out += '\n';
    for (std::size_t cell = 0; cell < lines[line].size(); ++cell) {
      out += lines[line][cell];
      if (cell < widths[line].size()) out.append(widths[line][cell] - character_count(lines[line][cell]), ' ');
    }
  }
  return out;
}

}  // namespace cmd
