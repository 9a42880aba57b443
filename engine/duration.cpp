#include "engine/duration.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "base/text.hpp"

namespace engine {
namespace {

/// In milliseconds; 0: no such unit.
double unit(std::string_view name) {
  if (name == "ns") return 1e-6;
  if (name == "us" || name == "µs") return 1e-3;
  if (name == "ms") return 1;
  if (name == "s") return 1000;
  if (name == "m") return 60'000;
  return name == "h" ? 3'600'000 : 0;
}

bool is_of_number(char c) {
  return (c >= '0' && c <= '9') || c == '.';
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  constexpr double longest = 366.0 * 24 * 3'600'000;
  double total = text.empty() ? -1 : 0;
  if (const auto seconds = base::parse_unsigned(text)) {
    total = static_cast<double>(*seconds) * 1000;
    text = {};
  }
  while (!text.empty()) {
    const auto number_end = std::find_if_not(text.begin(), text.end(), is_of_number);
    const auto unit_end = std::find_if(number_end, text.end(), is_of_number);
    double number = 0;
    const auto read =
        std::from_chars(&*text.begin(), &*text.begin() + (number_end - text.begin()), number, std::chars_format::fixed);
    const double factor = unit(std::string_view{number_end, unit_end});
    if (read.ec != std::errc{} || read.ptr != &*text.begin() + (number_end - text.begin()) || factor == 0)
      return std::nullopt;
    total += number * factor;
    text.remove_prefix(static_cast<std::size_t>(unit_end - text.begin()));
  }
  if (total < 0 || total > longest) return std::nullopt;
  return std::chrono::milliseconds{static_cast<long long>(total)};
}

}  // namespace engine
