#include "engine/container_processes.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fcntl.h>
#include <map>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/text.hpp"

namespace engine {
namespace {

/// A process may have 65536 groups, all of which its status file shows.
constexpr std::size_t max_stat_bytes = 1024 * 1024;
constexpr std::size_t max_arguments_bytes = 2 * 1024 * 1024;

/// Fields of stat behind the name in parentheses, from 3 (state) on. Source: proc_pid_stat(5).
enum StatField : std::size_t {
  state_field = 3,
  parent_field = 4,
  terminal_field = 7,
  user_time_field = 14,
  system_time_field = 15,
  nice_field = 19,
  start_time_field = 22,
  virtual_size_field = 23,
  resident_pages_field = 24,
};

template <class Number>
Number number_of(std::string_view text, int base = 10) {
  Number value{};
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t start = line.find_first_not_of(" \t");
    if (start == std::string_view::npos) return words;
    line.remove_prefix(start);
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

/// Words of the line "key:\t…" of a status file.
std::vector<std::string_view> words_of_line(std::string_view status, std::string_view key) {
  for (const std::string_view line : base::split(status, '\n'))
    if (line.substr(0, key.size()) == key && line.size() > key.size() && line[key.size()] == ':')
      return words_of(line.substr(key.size() + 1));
  return {};
}

template <class Number>
Number number_of_line(std::string_view status, std::string_view key, std::size_t index = 0, int base = 10) {
  const auto words = words_of_line(status, key);
  return index < words.size() ? number_of<Number>(words[index], base) : Number{};
}

bool read_stat(std::string_view stat, ProcessFacts& facts) {
  const std::size_t open = stat.find('('), close = stat.rfind(')');  // the name may contain both
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return false;
  facts.name = std::string{stat.substr(open + 1, close - open - 1)};
  const auto fields = base::split(base::trim(stat.substr(close + 1)), ' ');
  const auto field = [&](StatField number) { return fields[number - state_field]; };
  if (fields.size() <= resident_pages_field - state_field || field(state_field).size() != 1) return false;
  facts.state = field(state_field).front();
  facts.host_parent = number_of<pid_t>(field(parent_field));
  facts.terminal = number_of<unsigned>(field(terminal_field));
  facts.user_ticks = number_of<std::uint64_t>(field(user_time_field));
  facts.system_ticks = number_of<std::uint64_t>(field(system_time_field));
  facts.nice = number_of<int>(field(nice_field));
  facts.start_ticks = number_of<std::uint64_t>(field(start_time_field));
  facts.virtual_kib = number_of<std::uint64_t>(field(virtual_size_field)) / 1024;
  facts.resident_kib = number_of<std::uint64_t>(field(resident_pages_field)) *
                       (static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) / 1024);
  return true;
}

/// The number in the innermost pid namespace, which is the last of the line.
pid_t innermost(std::string_view status, std::string_view key) {
  const auto words = words_of_line(status, key);
  return words.empty() ? 0 : number_of<pid_t>(words.back());
}

bool read_status(std::string_view status, ProcessFacts& facts) {
  facts.host_pid = number_of_line<pid_t>(status, "Pid");
  facts.pid = innermost(status, "NSpid");
  facts.group = innermost(status, "NSpgid");
  if (facts.pid == 0) facts.pid = facts.host_pid;  // a kernel without the lines
  facts.real_uid = number_of_line<std::uint32_t>(status, "Uid", 0);
  facts.effective_uid = number_of_line<std::uint32_t>(status, "Uid", 1);
  facts.real_gid = number_of_line<std::uint32_t>(status, "Gid", 0);
  facts.effective_gid = number_of_line<std::uint32_t>(status, "Gid", 1);
  for (const std::string_view word : words_of_line(status, "Groups"))
    facts.groups.push_back(number_of<std::uint32_t>(word));
  facts.inheritable = number_of_line<std::uint64_t>(status, "CapInh", 0, 16);
  facts.permitted = number_of_line<std::uint64_t>(status, "CapPrm", 0, 16);
  facts.effective = number_of_line<std::uint64_t>(status, "CapEff", 0, 16);
  facts.bounding = number_of_line<std::uint64_t>(status, "CapBnd", 0, 16);
  facts.ambient = number_of_line<std::uint64_t>(status, "CapAmb", 0, 16);
  facts.seccomp_mode = number_of_line<unsigned>(status, "Seccomp");
  return facts.host_pid > 0;
}

std::vector<std::string> read_arguments(int process) {
  std::optional<std::string> bytes;
  try {
    bytes = base::try_read_file(process, "cmdline", max_arguments_bytes);
  } catch (const base::Error&) {  // longer than anybody wants to read: no process hides that way
  }
  if (!bytes || bytes->empty()) return {};
  std::string_view text = *bytes;
  if (text.back() == '\0') text.remove_suffix(1);
  std::vector<std::string> arguments;
  for (const std::string_view argument : base::split(text, '\0')) arguments.emplace_back(argument);
  return arguments;
}

std::string read_label(int process) {
  try {
    const auto text = base::try_read_file(process, "attr/current", max_stat_bytes);
    return text ? std::string{base::trim(std::string_view{*text}.substr(0, text->find('\0')))} : std::string{};
  } catch (const base::Error&) {  // EINVAL: this kernel has no such module
    return {};
  }
}

std::string pid_namespace(int process) {
  std::array<char, 64> text{};
  const ssize_t size = ::readlinkat(process, "ns/pid", text.data(), text.size());
  return size > 0 ? std::string{text.data(), static_cast<std::size_t>(size)} : std::string{};
}

base::UniqueFd open_process_folder(pid_t pid) {
  return base::UniqueFd{::open(base::concat("/proc/", pid).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
}

/// Nothing when it ended meanwhile.
std::optional<ProcessFacts> read_process(int process) {
  try {
    const auto stat = base::try_read_file(process, "stat", max_stat_bytes);
    const auto status = base::try_read_file(process, "status", max_stat_bytes);
    if (!stat || !status) return std::nullopt;
    auto facts = parse_process_facts(*stat, *status);
    if (!facts) return std::nullopt;
    facts->arguments = read_arguments(process);
    facts->label = read_label(process);
    return facts;
  } catch (const base::Error&) {  // ESRCH
    return std::nullopt;
  }
}

std::vector<ProcessFacts> read_namespace(const std::string& wanted) {
  std::vector<ProcessFacts> found;
  for (const std::string& name : base::list_directory(AT_FDCWD, "/proc")) {
    const auto pid = base::parse_unsigned(name);
    if (!pid) continue;
    const base::UniqueFd process = open_process_folder(static_cast<pid_t>(*pid));
    if (!process || pid_namespace(process.get()) != wanted) continue;
    if (auto facts = read_process(process.get())) found.push_back(std::move(*facts));
  }
  return found;
}

void keep_descendants(std::vector<ProcessFacts>& processes, pid_t ancestor) {
  std::map<pid_t, pid_t> parents;
  for (const ProcessFacts& facts : processes) parents[facts.host_pid] = facts.host_parent;
  std::erase_if(processes, [&](const ProcessFacts& facts) {
    pid_t pid = facts.host_pid;
    for (std::size_t steps = 0; pid != ancestor && steps <= parents.size(); ++steps) {
      const auto parent = parents.find(pid);
      if (parent == parents.end()) return true;
      pid = parent->second;
    }
    return pid != ancestor;
  });
}

void find_parents_inside(std::vector<ProcessFacts>& processes) {
  std::map<pid_t, pid_t> inside;
  for (const ProcessFacts& facts : processes) inside[facts.host_pid] = facts.pid;
  for (ProcessFacts& facts : processes) {
    const auto parent = inside.find(facts.host_parent);
    facts.parent = parent == inside.end() ? 0 : parent->second;
  }
}

}  // namespace

std::optional<ProcessFacts> parse_process_facts(const std::string& stat, const std::string& status) {
  ProcessFacts facts;
  if (!read_stat(stat, facts) || !read_status(status, facts)) return std::nullopt;
  return facts;
}

std::optional<std::uint32_t> id_inside(const std::string& id_map, std::uint32_t host_id) {
  for (const std::string_view line : base::split(id_map, '\n')) {
    const auto words = words_of(line);
    if (words.size() != 3) continue;
    const auto first = number_of<std::uint64_t>(words[1]), count = number_of<std::uint64_t>(words[2]);
    if (host_id < first || host_id - first >= count) continue;
    return static_cast<std::uint32_t>(number_of<std::uint64_t>(words[0]) + (host_id - first));
  }
  return std::nullopt;
}

std::vector<ProcessFacts> container_processes(pid_t init) {
  const base::UniqueFd ours = open_process_folder(::getpid());
  const base::UniqueFd theirs = open_process_folder(init);
  const std::string wanted = theirs ? pid_namespace(theirs.get()) : std::string{};
  if (wanted.empty()) return {};
  std::vector<ProcessFacts> processes = read_namespace(wanted);
  if (ours && pid_namespace(ours.get()) == wanted) keep_descendants(processes, init);
  find_parents_inside(processes);
  std::sort(processes.begin(), processes.end(),
            [](const auto& left, const auto& right) { return left.pid < right.pid; });
  return processes;
}

}  // namespace engine
