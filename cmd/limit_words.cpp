#include "cmd/limit_words.hpp"

#include <optional>
#include <string>
#include <sys/stat.h>

#include "base/text.hpp"

namespace cmd {
namespace {

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// "3" or "0-2"
bool is_range(std::string_view text) {
  const auto ends = base::split_once(text, '-');
  if (!ends) return base::parse_unsigned(text).has_value();
  const auto first = base::parse_unsigned(ends->first), last = base::parse_unsigned(ends->second);
  return first && last && *first <= *last;
}

/// What is wrong with the device, before its value is looked at.
std::string_view problem_of_device(const std::optional<std::pair<std::string_view, std::string_view>>& pair) {
  if (!pair || pair->second.empty()) return "is not PATH:VALUE";
  if (!pair->first.starts_with("/dev/")) return "does not name a device below /dev";
  struct stat info {};
  if (::stat(std::string{pair->first}.c_str(), &info) != 0) return "names a device that is not there";
  if (!S_ISBLK(info.st_mode) && !S_ISCHR(info.st_mode)) return "names what is not a device";
  return {};
}

/// The device itself may have a colon in its name.
std::optional<std::pair<std::string_view, std::string_view>> split_last(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return std::pair{text.substr(0, colon), text.substr(colon + 1)};
}

bool is_weight(std::string_view text) {
  const auto weight = base::parse_unsigned(text);
  return weight && (*weight == 0 || (*weight >= 10 && *weight <= 1000));
}

}  // namespace

std::string_view check_size(std::string_view value) {
  return value.empty() || base::parse_size(value) ? "" : "is not a size";
}

std::string_view check_size_or_unlimited(std::string_view value) {
  return value == "-1" ? "" : check_size(value);
}

std::string_view check_unsigned(std::string_view value) {
  return base::parse_unsigned(value) ? "" : "is not a number from 0 upwards";
}

std::string_view check_signed(std::string_view value) {
  return base::parse_signed(value) ? "" : "is not a number";
}

std::string_view check_cpus(std::string_view value) {
  const auto parts = base::split_once(value, '.');
  const std::string_view whole = parts ? parts->first : value;
  const bool is_number = parts ? (whole.empty() || is_digits(whole)) && is_digits(parts->second) : is_digits(whole);
  constexpr std::size_t most_digits = 6;  // no machine has a million
  return is_number && whole.size() <= most_digits ? "" : "is not a number of CPUs";
}

std::string_view check_list_of_numbers(std::string_view value) {
  if (value.empty()) return "";
  for (const std::string_view part : base::split(value, ','))
    if (!is_range(part)) return "is not a list of numbers";
  return "";
}

std::string_view check_swappiness(std::string_view value) {
  const auto number = base::parse_signed(value);
  return number && *number >= -1 && *number <= 100 ? "" : "is not a number from -1 to 100";
}

std::string_view check_oom_score(std::string_view value) {
  const auto number = base::parse_signed(value);
  return number && *number >= -1000 && *number <= 1000 ? "" : "is not a number from -1000 to 1000";
}

std::string_view check_blkio_weight(std::string_view value) {
  return is_weight(value) ? "" : "is not 0 or a number from 10 to 1000";
}

std::string_view check_device_weight(std::string_view value) {
  const auto pair = split_last(value);
  if (const std::string_view problem = problem_of_device(pair); !problem.empty()) return problem;
  return is_weight(pair->second) ? "" : "has a weight that is not from 10 to 1000";
}

std::string_view check_device_bytes(std::string_view value) {
  const auto pair = split_last(value);
  if (const std::string_view problem = problem_of_device(pair); !problem.empty()) return problem;
  return base::parse_size(pair->second) ? "" : "has a rate that is not a size";
}

std::string_view check_device_count(std::string_view value) {
  const auto pair = split_last(value);
  if (const std::string_view problem = problem_of_device(pair); !problem.empty()) return problem;
  return base::parse_unsigned(pair->second) ? "" : "has a rate that is not a number";
}

std::string_view check_device_rule(std::string_view value) {
  constexpr std::string_view problem = "is not a device rule";
  const auto words = base::split(value, ' ');
  if (words.size() != 3 || (words[0] != "a" && words[0] != "b" && words[0] != "c")) return problem;
  const auto numbers = base::split_once(words[1], ':');
  if (!numbers || words[2].empty() || words[2].find_first_not_of("rwm") != std::string_view::npos) return problem;
  for (const std::string_view number : {numbers->first, numbers->second})
    if (number != "*" && !is_digits(number)) return problem;
  return "";
}

std::string_view check_assignment(std::string_view value) {
  return value.find('=') == std::string_view::npos ? "is not NAME=VALUE" : "";
}

std::string_view check_umask(std::string_view value) {
  const bool is_octal = !value.empty() && value.find_first_not_of("01234567") == std::string_view::npos;
  return is_octal && value.size() <= 4 ? "" : "is not an octal number of at most four digits";
}

}  // namespace cmd
