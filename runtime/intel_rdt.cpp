#include "runtime/intel_rdt.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/fs.hpp"
#include "base/host_file.hpp"
#include "base/text.hpp"

namespace runtime {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

constexpr std::size_t max_mountinfo_bytes = 16 * 1024 * 1024;
constexpr std::size_t max_schemata_bytes = 64 * 1024;

/// "L3:0=7f0;1=1f" in its parts.
struct Schema {
  std::string_view resource;
  std::vector<std::pair<std::uint64_t, std::string_view>> values;  ///< By the number of the cache.
};

bool is_made_of(std::string_view text, std::string_view others) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           others.find(c) != std::string_view::npos;
  });
}

std::optional<Schema> parse_schema(std::string_view line) {
  const auto halves = base::split_once(line, ':');
  if (!halves || !is_made_of(halves->first, "_")) return std::nullopt;
  Schema schema{.resource = halves->first, .values = {}};
  for (const std::string_view part : base::split(halves->second, ';')) {
    const auto pair = base::split_once(part, '=');
    const auto cache = pair ? base::parse_unsigned(pair->first) : std::nullopt;
    if (!cache || !is_made_of(pair->second, "")) return std::nullopt;
    schema.values.emplace_back(*cache, pair->second);
  }
  return schema;
}

/// The kernel prints masks with zeros in front, or without.
bool is_same_value(std::string_view one, std::string_view other) {
  const auto lower_digits = [](std::string_view text) {
    const std::size_t begin = text.find_first_not_of('0');
    std::string result{begin == std::string_view::npos ? "0" : text.substr(begin)};
    std::transform(result.begin(), result.end(), result.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return result;
  };
  return lower_digits(one) == lower_digits(other);
}

bool has_value(const std::vector<Schema>& present, std::string_view resource, std::uint64_t cache,
               std::string_view value) {
  return std::any_of(present.begin(), present.end(), [&](const Schema& schema) {
    return schema.resource == resource &&
           std::any_of(schema.values.begin(), schema.values.end(),
                       [&](const auto& entry) { return entry.first == cache && is_same_value(entry.second, value); });
  });
}

/// In the order of config-linux.md.
std::vector<std::string> all_schemata(const IntelRdt& rdt) {
  std::vector<std::string> lines;
  for (const std::string& line : {rdt.l3_cache_schema, rdt.memory_bandwidth_schema})
    if (!line.empty()) lines.push_back(line);
  lines.insert(lines.end(), rdt.schemata.begin(), rdt.schemata.end());
  return lines;
}

bool is_folder(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

bool make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0) return true;
  if (errno == EEXIST) return false;
  base::Error error = base::os_error("making resctrl group ", quoted(path));
  if (error.code() == ENOSPC)
    throw std::move(error).with_hint("the processor has no more classes, or monitors, to give");
  throw error;
}

/// One write(2), as the kernel wants it; 0 or errno.
int write_once(const std::string& path, const std::string& text) {
  const base::UniqueFd file{::open(path.c_str(), O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC)};
  if (!file) return errno;
  return ::write(file.get(), text.data(), text.size()) < 0 ? errno : 0;
}

/// A line in the kernel's own words, of the command before.
std::string last_status(const std::string& root) {
  const std::string text =
      base::try_read_file(AT_FDCWD, root + "/info/last_cmd_status", max_schemata_bytes).value_or("");
  const std::string_view words = base::trim(text);
  return words.empty() || words == "ok" ? std::string{} : concat(" (", words, ')');
}

void write_schemata(const std::string& group, const std::vector<std::string>& lines, const std::string& root) {
  const int code = write_once(group + "/schemata", concat(base::join(lines, "\n"), '\n'));
  if (code != 0)
    throw base::error_from_code(code, concat("writing ", quoted(base::join(lines, " ")), " to the schemata of ",
                                             quoted(group), last_status(root)));
}

void check_schemata(const std::string& group, const std::vector<std::string>& wanted) {
  const std::string present = base::read_file(AT_FDCWD, group + "/schemata", max_schemata_bytes);
  const std::string difference = first_difference(wanted, present);
  if (!difference.empty())
    throw make_error(ErrorKind::in_use, "resctrl group ", quoted(group), " exists already, and has not ",
                     quoted(difference))
        .with_hint("linux.intelRdt must say what its schemata are, or name another closID");
}

void add_task(const std::string& group, pid_t pid) {
  const int code = write_once(group + "/tasks", concat(pid, '\n'));
  if (code != 0) throw base::error_from_code(code, concat("moving process ", pid, " to resctrl group ", quoted(group)));
}

void remove_folder(const std::string& path) {
  if (path.empty() || ::rmdir(path.c_str()) == 0 || errno == ENOENT) return;
  throw base::os_error("removing resctrl group ", quoted(path));
}

}  // namespace

std::optional<std::string> find_resctrl(std::string_view mountinfo) {
  for (const std::string_view line : base::split(mountinfo, '\n')) {
    const std::size_t middle = line.find(" - resctrl ");
    const auto fields = base::split(line.substr(0, middle), ' ');
    if (middle != std::string_view::npos && fields.size() >= 6) return std::string{fields[4]};
  }
  return std::nullopt;
}

std::string resctrl_root() {
  const auto root = find_resctrl(base::try_read_host_file("/proc/self/mountinfo", max_mountinfo_bytes).value_or(""));
  if (!root)
    throw make_error(ErrorKind::unsupported, "linux.intelRdt needs the resctrl file system, which is not mounted here")
        .with_hint("where the processor has resource control, \"mount -t resctrl resctrl /sys/fs/resctrl\" gives it");
  return *root;
}

bool is_schema(std::string_view line) {
  return parse_schema(line).has_value();
}

std::string first_difference(const std::vector<std::string>& wanted, std::string_view present) {
  std::vector<Schema> known;
  for (const std::string_view line : base::split(present, '\n'))
    if (auto schema = parse_schema(base::trim(line))) known.push_back(*std::move(schema));
  for (const std::string& line : wanted) {
    const auto schema = parse_schema(line);
    if (!schema) return line;
    for (const auto& [cache, value] : schema->values)
      if (!has_value(known, schema->resource, cache, value)) return concat(schema->resource, ':', cache, '=', value);
  }
  return {};
}

RdtRecord plan_rdt_group(const IntelRdt& rdt, const std::string& container_id, const std::string& root) {
  RdtRecord record;
  record.is_ours = rdt.class_id.empty();
  const std::string& name = record.is_ours ? container_id : rdt.class_id;
  record.group = name == "/" ? root : concat(root, '/', name);
  if (record.is_ours && is_folder(record.group))
    throw make_error(ErrorKind::already_exists, "resctrl group ", quoted(record.group), " is somebody else's")
        .with_hint("linux.intelRdt.closID names the group that a container shall share");
  if (!record.is_ours && all_schemata(rdt).empty() && !is_folder(record.group))
    throw make_error(ErrorKind::not_found, "linux.intelRdt.closID: there is no resctrl group ", quoted(record.group))
        .with_hint("with a schema it would be made");
  if (rdt.enable_monitoring) record.monitor_group = concat(record.group, "/mon_groups/", container_id);
  return record;
}

void make_rdt_group(const IntelRdt& rdt, const RdtRecord& record, const std::string& root) {
  const std::vector<std::string> schemata = all_schemata(rdt);
  const bool is_new = record.group != root && make_folder(record.group);
  auto undo = [&] { ::rmdir(record.group.c_str()); };
  try {
    if (!schemata.empty() && (is_new || record.is_ours))
      write_schemata(record.group, schemata, root);
    else if (!schemata.empty())
      check_schemata(record.group, schemata);
    if (!record.monitor_group.empty()) make_folder(record.monitor_group);
  } catch (...) {
    if (is_new) undo();
    throw;
  }
}

void add_to_rdt_group(const RdtRecord& record, pid_t pid) {
  if (record.group.empty()) return;
  add_task(record.group, pid);
  if (!record.monitor_group.empty()) add_task(record.monitor_group, pid);
}

void set_rdt_schemata(const RdtRecord& record, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  if (record.group.empty())
    throw make_error(ErrorKind::invalid_argument, "the container is in no resctrl group whose schemata could be set")
        .with_hint("linux.intelRdt of config.json puts it in one");
  for (const std::string& line : lines)
    if (!is_schema(line)) throw make_error(ErrorKind::invalid_argument, quoted(line), " is not a line of schemata");
  write_schemata(record.group, lines, record.group);
}

void remove_rdt_group(const RdtRecord& record) {
  remove_folder(record.monitor_group);
  if (record.is_ours) remove_folder(record.group);
}

}  // namespace runtime
