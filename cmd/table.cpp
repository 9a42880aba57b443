#include "cmd/table.hpp"

#include <algorithm>
#include <numeric>

namespace cmd {
namespace {

constexpr std::size_t narrowest_column = 12;
constexpr std::size_t gap = 2;

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U;
}

bool is_control(char byte) {
  return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f;
}

/// Appends `text` without what terminals take for commands: ASCII's control characters, and U+0080 to U+009F. There are
/// as many characters as before.
void append_printable(std::string& out, const std::string& text) {
  if (std::none_of(text.begin(), text.end(), [](char byte) { return is_control(byte) || byte == '\xc2'; })) {
    out += text;
    return;
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool has_next = at + 1 < text.size() && continues_character(text[at + 1]);
    if (text[at] == '\xc2' && has_next && static_cast<unsigned char>(text[at + 1]) < 0xa0) {
      out += '?';
      ++at;
    } else {
      out += is_control(text[at]) ? '?' : text[at];
    }
  }
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
  out.reserve(rows_.size() * std::accumulate(widths.begin(), widths.end(), std::size_t{1}));
  for (std::size_t row = first; row < rows_.size(); ++row) {
    for (std::size_t column = 0; column < widths.size(); ++column) {
      const std::string& cell = rows_[row][column];
      append_printable(out, cell);
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
