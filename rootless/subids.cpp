#include "rootless/subids.hpp"

#include <algorithm>
#include <chrono>

#include "base/host_file.hpp"
#include "base/process.hpp"
#include "base/text.hpp"

namespace rootless {
namespace {

constexpr std::size_t max_subid_bytes = 4 * 1024 * 1024;
constexpr std::size_t max_nsswitch_bytes = 64 * 1024;
constexpr std::chrono::milliseconds getsubids_limit{5000};
constexpr std::uint64_t first_subid = 100000;  // SUB_UID_MIN of login.defs(5)

std::string text_of(const std::string& path, std::size_t limit_bytes) {
  return base::try_read_host_file(path, limit_bytes).value_or("");
}

std::vector<SubidRange> ask_getsubids(const std::string& program, std::vector<std::string> argv) {
  const base::Command command{.path = program, .argv = std::move(argv), .null_stdin = true};
  return parse_getsubids(base::run_and_capture(command, getsubids_limit).out);
}

}  // namespace

bool has_foreign_subid_source(std::string_view nsswitch_text) {
  for (const std::string_view line : base::split(nsswitch_text, '\n')) {
    const auto parts = base::split_once(base::trim(base::split(line, '#').front()), ':');
    if (!parts || base::trim(parts->first) != "subid") continue;
    const std::string_view source = base::trim(parts->second);
    return !source.empty() && source != "files";
  }
  return false;
}

std::vector<SubidRange> parse_getsubids(std::string_view output) {
  std::vector<SubidRange> ranges;
  for (const std::string_view line : base::split(output, '\n')) {
    std::vector<std::string_view> words;
    for (const std::string_view word : base::split(base::trim(line), ' ')) {
      if (!word.empty()) words.push_back(word);
    }
    if (words.size() != 4) continue;
    const auto found = parse_subids(base::concat("0:", words[2], ':', words[3]), "", 0);
    ranges.insert(ranges.end(), found.begin(), found.end());
  }
  return ranges;
}

SubordinateIds find_subordinate_ids(const std::string& user, std::uint32_t uid) {
  if (has_foreign_subid_source(text_of("/etc/nsswitch.conf", max_nsswitch_bytes))) {
    if (const std::optional<std::string> program = base::find_program("getsubids")) {
      return {ask_getsubids(*program, {"getsubids", user}), ask_getsubids(*program, {"getsubids", "-g", user})};
    }
  }
  return {parse_subids(text_of("/etc/subuid", max_subid_bytes), user, uid),
          parse_subids(text_of("/etc/subgid", max_subid_bytes), user, uid)};
}

std::uint32_t next_free_subid(std::string_view text) {
  std::uint64_t next = first_subid;
  for (const std::string_view line : base::split(text, '\n')) {
    const std::vector<std::string_view> fields = base::split(base::trim(line), ':');
    if (fields.size() != 3) continue;
    const auto start = base::parse_unsigned(base::trim(fields[1]));
    const auto count = base::parse_unsigned(base::trim(fields[2]));
    if (start && count && *start < 0xffffffffU && *count < 0xffffffffU) next = std::max(next, *start + *count);
  }
  return next + 65536 < 0xffffffffU ? static_cast<std::uint32_t>(next) : static_cast<std::uint32_t>(first_subid);
}

}  // namespace rootless
