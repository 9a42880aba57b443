#include "engine/top.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/path_in_root.hpp"
#include "base/text.hpp"
#include "engine/container_processes.hpp"
#include "engine/reconcile.hpp"
#include "engine/selection.hpp"
#include "engine/templates/moment.hpp"
#include "runtime/capability_names.hpp"

namespace engine {
namespace {

using base::ErrorKind;
using base::make_error;
using base::quoted;

constexpr std::size_t max_passwd_bytes = 4 * 1024 * 1024;
constexpr std::size_t max_id_map_bytes = 64 * 1024;

/// What turns numbers into what the container, or the host, calls them.
struct Names {
  std::string uid_map, gid_map;
  std::string passwd, group;            ///< The container's files.
  std::string host_passwd, host_group;  ///< Ours.
  std::uint64_t ticks_per_second = 100;
  std::uint64_t nanoseconds_since_boot = 0;
};

/// The name of a number in a passwd or group file; the number where it has none.
std::string name_in(const std::string& file, std::uint32_t id) {
  const std::string wanted = base::concat(id);
  for (const std::string_view line : base::split(file, '\n')) {
    const auto fields = base::split(line, ':');
    if (fields.size() > 2 && fields[2] == wanted) return std::string{fields[0]};
  }
  return wanted;
}

/// As the container calls it; ids that are not mapped there are the host's "nobody", 65534.
std::string inner_name(const std::string& map, const std::string& file, std::uint32_t host_id) {
  return name_in(file, id_inside(map, host_id).value_or(65534));
}

template <class Show>
std::string joined(const std::vector<std::uint32_t>& ids, const Show& show) {
  std::vector<std::string> names;
  for (const std::uint32_t id : ids) names.push_back(show(id));
  return names.empty() ? "[]" : base::join(names, ",");
}

/// "CHOWN,KILL", "full", "none".
std::string capability_text(std::uint64_t bits) {
  const std::vector<std::string> all = runtime::all_capability_names();
  if (bits == 0) return "none";
  std::vector<std::string> names;
  for (unsigned number = 0; number < 64; ++number) {
    if ((bits & (std::uint64_t{1} << number)) == 0) continue;
    std::string_view name = runtime::capability_name(number);
    if (name.empty()) continue;
    if (name.starts_with("CAP_")) name.remove_prefix(4);
    names.emplace_back(name);
  }
  return names.size() >= all.size() ? "full" : base::join(names, ",");
}

std::string terminal_text(unsigned device) {
  const unsigned major = (device >> 8) & 0xfff, minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return base::concat("pts/", (major - 136) * 256 + minor);  // devices.txt
  if (major == 4) return minor < 64 ? base::concat("tty", minor) : base::concat("ttyS", minor - 64);
  return "?";
}

std::uint64_t elapsed_nanoseconds(const ProcessFacts& facts, const Names& names) {
  const std::uint64_t started = facts.start_ticks * (1'000'000'000 / names.ticks_per_second);
  return names.nanoseconds_since_boot > started ? names.nanoseconds_since_boot - started : 0;
}

std::string share_of_cpu(const ProcessFacts& facts, const Names& names) {
  const auto elapsed = static_cast<double>(elapsed_nanoseconds(facts, names)) / 1e9;
  const auto used =
      static_cast<double>(facts.user_ticks + facts.system_ticks) / static_cast<double>(names.ticks_per_second);
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", elapsed > 0 ? 100 * used / elapsed : 0.0);
  return text;
}

std::string seconds_text(std::uint64_t ticks, const Names& names) {
  return templates::duration_text(static_cast<std::int64_t>(ticks / names.ticks_per_second) * 1'000'000'000);
}

/// When it started: "15:04" today, else "Jan02".
std::string start_text(const ProcessFacts& facts, const Names& names) {
  const std::time_t now = std::time(nullptr);
  const auto age = static_cast<std::time_t>(elapsed_nanoseconds(facts, names) / 1'000'000'000);
  const std::time_t started = now - age;
  std::tm when{}, today{};
  ::gmtime_r(&started, &when);
  ::gmtime_r(&now, &today);
  char text[32];
  const bool is_today = when.tm_yday == today.tm_yday && when.tm_year == today.tm_year;
  std::strftime(text, sizeof text, is_today ? "%H:%M" : "%b%d", &when);
  return text;
}

std::string command_line(const ProcessFacts& facts) {
  return facts.arguments.empty() ? base::concat('[', facts.name, ']') : base::join(facts.arguments, " ");
}

constexpr std::string_view seccomp_modes[] = {"disabled", "strict", "filter"};

using Show = std::string (*)(const ProcessFacts&, const Names&);

struct Descriptor {
  std::string_view name, heading;
  Show show;
};

constexpr Descriptor descriptors[] = {
    {"args", "COMMAND", [](const auto& facts, const auto&) { return command_line(facts); }},
    {"capamb", "AMBIENT CAPS", [](const auto& facts, const auto&) { return capability_text(facts.ambient); }},
    {"capbnd", "BOUNDING CAPS", [](const auto& facts, const auto&) { return capability_text(facts.bounding); }},
    {"capeff", "EFFECTIVE CAPS", [](const auto& facts, const auto&) { return capability_text(facts.effective); }},
    {"capinh", "INHERITED CAPS", [](const auto& facts, const auto&) { return capability_text(facts.inheritable); }},
    {"capprm", "PERMITTED CAPS", [](const auto& facts, const auto&) { return capability_text(facts.permitted); }},
    {"comm", "COMMAND", [](const auto& facts, const auto&) { return facts.name; }},
    {"etime", "ELAPSED",
     [](const auto& facts, const auto& names) {
       return templates::duration_text(static_cast<std::int64_t>(elapsed_nanoseconds(facts, names)));
     }},
    {"group", "GROUP",
     [](const auto& facts, const auto& names) { return inner_name(names.gid_map, names.group, facts.effective_gid); }},
    {"groups", "GROUPS",
     [](const auto& facts, const auto& names) {
       return joined(facts.groups, [&](auto id) { return inner_name(names.gid_map, names.group, id); });
     }},
    {"hgroup", "HGROUP",
     [](const auto& facts, const auto& names) { return name_in(names.host_group, facts.effective_gid); }},
    {"hgroups", "HGROUPS",
     [](const auto& facts, const auto& names) {
       return joined(facts.groups, [&](auto id) { return name_in(names.host_group, id); });
     }},
    {"hpid", "HPID", [](const auto& facts, const auto&) { return base::concat(facts.host_pid); }},
    {"huser", "HUSER",
     [](const auto& facts, const auto& names) { return name_in(names.host_passwd, facts.effective_uid); }},
    {"label", "LABEL", [](const auto& facts, const auto&) { return facts.label.empty() ? "?" : facts.label; }},
    {"nice", "NI", [](const auto& facts, const auto&) { return base::concat(facts.nice); }},
    {"pcpu", "%CPU", share_of_cpu},
    {"pgid", "PGID", [](const auto& facts, const auto&) { return base::concat(facts.group); }},
    {"pid", "PID", [](const auto& facts, const auto&) { return base::concat(facts.pid); }},
    {"ppid", "PPID", [](const auto& facts, const auto&) { return base::concat(facts.parent); }},
    {"rgroup", "RGROUP",
     [](const auto& facts, const auto& names) { return inner_name(names.gid_map, names.group, facts.real_gid); }},
    {"rss", "RSS", [](const auto& facts, const auto&) { return base::concat(facts.resident_kib); }},
    {"ruser", "RUSER",
     [](const auto& facts, const auto& names) { return inner_name(names.uid_map, names.passwd, facts.real_uid); }},
    {"seccomp", "SECCOMP",
     [](const auto& facts, const auto&) {
       return std::string{facts.seccomp_mode < std::size(seccomp_modes) ? seccomp_modes[facts.seccomp_mode] : "?"};
     }},
    {"state", "STATE", [](const auto& facts, const auto&) { return std::string(1, facts.state); }},
    {"stime", "STIME", start_text},
    {"time", "TIME",
     [](const auto& facts, const auto& names) { return seconds_text(facts.user_ticks + facts.system_ticks, names); }},
    {"tty", "TTY", [](const auto& facts, const auto&) { return terminal_text(facts.terminal); }},
    {"user", "USER",
     [](const auto& facts, const auto& names) { return inner_name(names.uid_map, names.passwd, facts.effective_uid); }},
    {"vsz", "VSZ", [](const auto& facts, const auto&) { return base::concat(facts.virtual_kib); }},
};

constexpr std::string_view usual_descriptors[] = {"user", "pid", "ppid", "pcpu", "etime", "tty", "time", "args"};

/// "%U" and the like, as ps(1) of AIX has them.
constexpr std::pair<std::string_view, std::string_view> short_forms[] = {
    {"%C", "pcpu"},  {"%G", "group"},  {"%P", "ppid"}, {"%U", "user"}, {"%a", "args"},
    {"%c", "comm"},  {"%g", "rgroup"}, {"%n", "nice"}, {"%p", "pid"},  {"%r", "pgid"},
    {"%t", "etime"}, {"%u", "ruser"},  {"%x", "time"}, {"%y", "tty"},  {"%z", "vsz"},
};

const Descriptor* find_descriptor(std::string_view name) {
  const auto form = std::find_if(std::begin(short_forms), std::end(short_forms),
                                 [&](const auto& known) { return known.first == name; });
  if (form != std::end(short_forms)) name = form->second;
  const auto found = std::find_if(std::begin(descriptors), std::end(descriptors),
                                  [&](const Descriptor& known) { return known.name == name; });
  return found == std::end(descriptors) ? nullptr : found;
}

std::vector<std::string_view> names_in(const std::vector<std::string>& words) {
  if (words.empty()) return {std::begin(usual_descriptors), std::end(usual_descriptors)};
  std::vector<std::string_view> names;
  for (const std::string& word : words)
    for (const std::string_view name : base::split(word, ',')) names.push_back(name);
  return names;
}

std::string read_host_file(const std::string& path, std::size_t limit) {
  return base::try_read_file(AT_FDCWD, path, limit).value_or("");
}

/// The container writes these files: what cannot be read of them leaves numbers in place of names.
std::string read_inner_file(int root, const char* path) {
  try {
    return base::read_small_file_in_root(root, path, max_passwd_bytes);
  } catch (const base::Error&) {  // longer than any such file, say
    return {};
  }
}

Names read_names(pid_t init) {
  Names names;
  const std::string process = base::concat("/proc/", init);
  names.uid_map = read_host_file(process + "/uid_map", max_id_map_bytes);
  names.gid_map = read_host_file(process + "/gid_map", max_id_map_bytes);
  const base::UniqueFd root{::open((process + "/root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (root) {
    names.passwd = read_inner_file(root.get(), "etc/passwd");
    names.group = read_inner_file(root.get(), "etc/group");
  }
  names.host_passwd = read_host_file("/etc/passwd", max_passwd_bytes);
  names.host_group = read_host_file("/etc/group", max_passwd_bytes);
  names.ticks_per_second = static_cast<std::uint64_t>(std::max(1L, ::sysconf(_SC_CLK_TCK)));
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  names.nanoseconds_since_boot =
      static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
  return names;
}

}  // namespace

bool are_for_ps(const std::vector<std::string>& words) {
  const auto names = names_in(words);
  return std::any_of(names.begin(), names.end(),
                     [](std::string_view name) { return find_descriptor(name) == nullptr; });
}

std::vector<std::string> top_descriptors() {
  std::vector<std::string> names;
  for (const Descriptor& descriptor : descriptors) names.emplace_back(descriptor.name);
  return names;
}

TopTable top(Engine& engine, const TopOptions& options) {
  std::vector<const Descriptor*> wanted;
  for (const std::string_view name : names_in(options.descriptors)) {
    wanted.push_back(find_descriptor(name));
    if (wanted.back() == nullptr)
      throw make_error(ErrorKind::invalid_argument, quoted(name), " is no descriptor of top")
          .with_hint(base::join(top_descriptors(), " "));
  }
  const storage::ContainerDir container = require_container(engine, options.container);
  const Observed observed = observe(container, engine.host.boot_id);
  if (!observed.is_started())
    throw make_error(ErrorKind::in_use, "container ", quoted(options.container), " is not running (it is ",
                     observed.state.status, ")")
        .with_hint(base::concat("engine start ", options.container));
  const Names names = read_names(observed.state.process.pid);
  TopTable table;
  for (const Descriptor* descriptor : wanted) table.headings.emplace_back(descriptor->heading);
  for (const ProcessFacts& facts : container_processes(observed.state.process.pid)) {
    std::vector<std::string>& row = table.rows.emplace_back();
    for (const Descriptor* descriptor : wanted) row.push_back(descriptor->show(facts, names));
  }
  return table;
}

}  // namespace engine
