#include "engine/templates/moment.hpp"

#include <array>
#include <chrono>
#include <cstdio>

#include "base/text.hpp"

namespace engine::templates {
namespace {

constexpr std::int64_t day_seconds = 86400;

/// A moment taken apart, in its own zone.
struct Parts {
  std::int64_t year;
  unsigned month, day;
  int hour, minute, second;
  unsigned weekday;  ///< 0 is Sunday.
  int day_of_year;
};

Parts parts_of(const Moment& moment) {
  const std::int64_t local = moment.seconds + moment.offset_seconds;
  std::int64_t days = local / day_seconds;
  std::int64_t rest = local % day_seconds;
  if (rest < 0) rest += day_seconds, --days;
  const std::chrono::sys_days date{std::chrono::days{days}};
  const std::chrono::year_month_day calendar{date};
  const std::chrono::sys_days new_year{calendar.year() / 1 / 1};
  return {.year = static_cast<int>(calendar.year()),
          .month = static_cast<unsigned>(calendar.month()),
          .day = static_cast<unsigned>(calendar.day()),
          .hour = static_cast<int>(rest / 3600),
          .minute = static_cast<int>(rest / 60 % 60),
          .second = static_cast<int>(rest % 60),
          .weekday = std::chrono::weekday{date}.c_encoding(),
          .day_of_year = static_cast<int>((date - new_year).count()) + 1};
}

/// Two or more digits.
std::string padded(std::int64_t number, std::size_t width, char with = '0') {
  std::string digits = base::concat(number);
  if (digits.size() < width) digits.insert(0, width - digits.size(), with);
  return digits;
}

/// ".25": what is not zero of the fraction; empty when all is.
std::string fraction_of(std::uint32_t nanoseconds) {
  if (nanoseconds == 0) return {};
  std::string digits = "." + padded(nanoseconds, 9);
  digits.erase(digits.find_last_not_of('0') + 1);
  return digits;
}

std::string offset_text(int seconds, std::string_view between) {
  const int minutes = (seconds < 0 ? -seconds : seconds) / 60;
  return base::concat(seconds < 0 ? '-' : '+', padded(minutes / 60, 2), between, padded(minutes % 60, 2));
}

std::optional<int> digits_at(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < at + count) return std::nullopt;
  const auto number = base::parse_unsigned(text.substr(at, count));
  return number ? std::optional<int>{static_cast<int>(*number)} : std::nullopt;
}

constexpr std::array<std::string_view, 12> months = {"January",   "February", "March",    "April",
                                                     "May",       "June",     "July",     "August",
                                                     "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> weekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                      "Thursday", "Friday", "Saturday"};

std::string twelve_hours(int hour, std::size_t width) {
  return padded(hour % 12 == 0 ? 12 : hour % 12, width);
}

std::string zone_name(const Moment& moment) {
  return moment.offset_seconds == 0 ? "UTC" : offset_text(moment.offset_seconds, "");
}

std::string zone_or_z(const Moment& moment, std::string_view between) {
  return moment.offset_seconds == 0 ? "Z" : offset_text(moment.offset_seconds, between);
}

/// What one element of a layout stands for. Source: the constants of Go's package time.
struct Element {
  std::string_view layout;
  std::string (*text)(const Moment&, const Parts&);
};

// Longer ones before those that they begin with.
constexpr Element elements[] = {
    {"January", [](const Moment&, const Parts& at) { return std::string{months[at.month - 1]}; }},
    {"Jan", [](const Moment&, const Parts& at) { return std::string{months[at.month - 1].substr(0, 3)}; }},
    {"Monday", [](const Moment&, const Parts& at) { return std::string{weekdays[at.weekday]}; }},
    {"Mon", [](const Moment&, const Parts& at) { return std::string{weekdays[at.weekday].substr(0, 3)}; }},
    {"MST", [](const Moment& moment, const Parts&) { return zone_name(moment); }},
    {"2006", [](const Moment&, const Parts& at) { return padded(at.year, 4); }},
    {"-07:00", [](const Moment& moment, const Parts&) { return offset_text(moment.offset_seconds, ":"); }},
    {"-0700", [](const Moment& moment, const Parts&) { return offset_text(moment.offset_seconds, ""); }},
    {"-07", [](const Moment& moment, const Parts&) { return offset_text(moment.offset_seconds, "").substr(0, 3); }},
    {"Z07:00", [](const Moment& moment, const Parts&) { return zone_or_z(moment, ":"); }},
    {"Z0700", [](const Moment& moment, const Parts&) { return zone_or_z(moment, ""); }},
    {"002", [](const Moment&, const Parts& at) { return padded(at.day_of_year, 3); }},
    {"01", [](const Moment&, const Parts& at) { return padded(at.month, 2); }},
    {"02", [](const Moment&, const Parts& at) { return padded(at.day, 2); }},
    {"03", [](const Moment&, const Parts& at) { return twelve_hours(at.hour, 2); }},
    {"04", [](const Moment&, const Parts& at) { return padded(at.minute, 2); }},
    {"05", [](const Moment&, const Parts& at) { return padded(at.second, 2); }},
    {"06", [](const Moment&, const Parts& at) { return padded(at.year % 100, 2); }},
    {"15", [](const Moment&, const Parts& at) { return padded(at.hour, 2); }},
    {"PM", [](const Moment&, const Parts& at) { return std::string{at.hour < 12 ? "AM" : "PM"}; }},
    {"pm", [](const Moment&, const Parts& at) { return std::string{at.hour < 12 ? "am" : "pm"}; }},
    {"__2", [](const Moment&, const Parts& at) { return padded(at.day_of_year, 3, ' '); }},
    {"_2", [](const Moment&, const Parts& at) { return padded(at.day, 2, ' '); }},
    {"1", [](const Moment&, const Parts& at) { return base::concat(at.month); }},
    {"2", [](const Moment&, const Parts& at) { return base::concat(at.day); }},
    {"3", [](const Moment&, const Parts& at) { return twelve_hours(at.hour, 1); }},
    {"4", [](const Moment&, const Parts& at) { return base::concat(at.minute); }},
    {"5", [](const Moment&, const Parts& at) { return base::concat(at.second); }},
};

/// ".000" and ".999", also with a comma: so many digits of the fraction. 0 when `layout` begins with none.
std::size_t fraction_length(std::string_view layout) {
  if (layout.size() < 2 || (layout[0] != '.' && layout[0] != ',') || (layout[1] != '0' && layout[1] != '9')) return 0;
  const std::size_t end = std::min(layout.find_first_not_of(layout[1], 1), layout.size());
  const bool digit_follows = end < layout.size() && layout[end] >= '0' && layout[end] <= '9';
  return digit_follows ? 0 : end;
}

std::string fraction_text(const Moment& moment, std::string_view layout) {
  std::string digits = padded(moment.nanoseconds, 9).substr(0, layout.size() - 1);
  digits.resize(layout.size() - 1, '0');
  if (layout[1] == '9') digits.erase(digits.find_last_not_of('0') + 1);
  return digits.empty() ? digits : base::concat(layout[0], digits);
}

}  // namespace

std::optional<Moment> parse_moment(std::string_view text) {
  const auto year = digits_at(text, 0, 4), month = digits_at(text, 5, 2), day = digits_at(text, 8, 2);
  const auto hour = digits_at(text, 11, 2), minute = digits_at(text, 14, 2), second = digits_at(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  Moment moment;
  std::size_t at = 19;
  if (at < text.size() && text[at] == '.') {
    std::uint32_t unit = 100'000'000;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10)
      moment.nanoseconds += static_cast<std::uint32_t>(text[at] - '0') * unit;
  }
  if (at >= text.size()) return std::nullopt;
  if (text[at] != 'Z') {
    const auto hours = digits_at(text, at + 1, 2), minutes = digits_at(text, at + 4, 2);
    if (!hours || !minutes) return std::nullopt;
    moment.offset_seconds = (*hours * 3600 + *minutes * 60) * (text[at] == '-' ? -1 : 1);
  }
  moment.seconds = std::chrono::sys_days{date}.time_since_epoch().count() * day_seconds + *hour * 3600 + *minute * 60 +
                   *second - moment.offset_seconds;
  return moment;
}

std::string format_moment(const Moment& moment, std::string_view layout) {
  const Parts parts = parts_of(moment);
  std::string text;
  while (!layout.empty()) {
    if (const std::size_t length = fraction_length(layout)) {
      text += fraction_text(moment, layout.substr(0, length));
      layout.remove_prefix(length);
      continue;
    }
    const Element* found = nullptr;
    for (const Element& element : elements)
      if (found == nullptr && layout.starts_with(element.layout)) found = &element;
    if (found == nullptr) {
      text += layout.front();
      layout.remove_prefix(1);
      continue;
    }
    text += found->text(moment, parts);
    layout.remove_prefix(found->layout.size());
  }
  return text;
}

std::string moment_text(const Moment& moment) {
  return base::concat(format_moment(moment, "2006-01-02 15:04:05"), fraction_of(moment.nanoseconds),
                      format_moment(moment, " -0700 MST"));
}

std::string moment_rfc3339(const Moment& moment) {
  return base::concat(format_moment(moment, "2006-01-02T15:04:05"), fraction_of(moment.nanoseconds),
                      format_moment(moment, "Z07:00"));
}

std::string duration_text(std::int64_t nanoseconds) {
  if (nanoseconds == 0) return "0s";
  const std::uint64_t all =
      nanoseconds < 0 ? ~static_cast<std::uint64_t>(nanoseconds) + 1 : static_cast<std::uint64_t>(nanoseconds);
  std::string text = nanoseconds < 0 ? "-" : "";
  const auto with_fraction = [](std::uint64_t whole, std::uint64_t part, std::size_t digits) {
    std::string shown = base::concat(whole);
    if (part == 0) return shown;
    shown += "." + padded(static_cast<std::int64_t>(part), digits);
    shown.erase(shown.find_last_not_of('0') + 1);
    return shown;
  };
  if (all < 1000) return base::concat(text, all, "ns");
  if (all < 1'000'000) return base::concat(text, with_fraction(all / 1000, all % 1000, 3), "\xc2\xb5s");
  if (all < 1'000'000'000) return base::concat(text, with_fraction(all / 1'000'000, all % 1'000'000, 6), "ms");
  const std::uint64_t seconds = all / 1'000'000'000;
  if (seconds >= 3600) text += base::concat(seconds / 3600, "h");
  if (seconds >= 60) text += base::concat(seconds / 60 % 60, "m");
  return base::concat(text, with_fraction(seconds % 60, all % 1'000'000'000, 9), "s");
}

}  // namespace engine::templates
