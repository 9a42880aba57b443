#include "cmd/table.hpp"

#include <algorithm>

namespace cmd {
namespace {

constexpr std::size_t narrowest_column = 12;
constexpr std::size_t gap = 2;

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U;
}

/// Without what terminals take for commands: ASCII's control characters, and U+0080 to U+009F.
std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f; }, '?');
  for (std::size_t at = text.find('\xc2'); at != std::string::npos; at = text.find('\xc2', at + 1))
    if (at + 1 < text.size() && continues_character(text[at + 1]) && static_cast<unsigned char>(text[at + 1]) < 0xa0)
      text.replace(at, 2, 1, '?');
  return text;
}

}  // namespace

std::size_t character_count(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return !continues_character(byte); }));
}

std::string Table::text(bool with_headings) const {
  const std::size_t first = with_headings ? 0 : 1;
  std::vector<std::size_t> widths(rows_.front().size(), narrowest_column);
  for (std::size_t row = first; row < rows_.size(); ++row) {
    for (std::size_t column = 0; column < widths.size(); ++column) {
      widths[column] = std::max(widths[column], character_count(rows_[row][column]) + gap);
    }
  }
  std::string out;
  for (std::size_t row = first; row < rows_.size(); ++row) {
    for (std::size_t column = 0; column < widths.size(); ++column) {
      const std::string cell = printable(rows_[row][column]);
      out += cell;
      if (column + 1 < widths.size()) out.append(widths[column] - character_count(cell), ' ');
    }
    out += '\n';
  }
  return out;
}

std::string shortened(const std::string& text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit - 3;
  while (end > 0 && continues_character(text[end])) --end;
  return text.substr(0, end) + "...";
}

}  // namespace cmd
