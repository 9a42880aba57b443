#include "runtime/state.hpp"

#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"

namespace runtime {
namespace {

constexpr std::size_t max_stat_bytes = 4096;
constexpr std::size_t state_field = 0;        // third of proc(5), first after the name
constexpr std::size_t start_time_field = 19;  // 22nd of proc(5)

}  // namespace

std::optional<std::uint64_t> process_start_time(pid_t pid) {
  std::optional<std::string> text;
  try {
    text = base::try_read_file(AT_FDCWD, base::concat("/proc/", pid, "/stat"), max_stat_bytes);
  } catch (const base::Error& error) {
    if (error.code() != ESRCH) throw;  // ended between opening and reading
  }
  if (!text) return std::nullopt;
  // The name stands in parentheses and may contain blanks and parentheses itself.
  const std::size_t name_end = text->rfind(") ");
  if (name_end == std::string::npos) return std::nullopt;
  const auto fields = base::split(std::string_view{*text}.substr(name_end + 2), ' ');
  if (fields.size() <= start_time_field || fields[state_field] == "Z" || fields[state_field] == "X")
    return std::nullopt;
  return base::parse_unsigned(fields[start_time_field]);
}

base::UniqueFd open_process(pid_t pid, std::uint64_t start_time) {
  base::UniqueFd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!pidfd) {
    if (errno == ESRCH || errno == EINVAL) return {};
    throw base::os_error("opening process ", pid);
  }
  // Looked up after the pidfd was opened: should the number have been reused before, the times differ.
  if (process_start_time(pid) != start_time) return {};
  return pidfd;
}

}  // namespace runtime
