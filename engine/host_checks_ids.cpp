// Users and their subordinate ids, and the programs that map them.
#include <algorithm>

#include "base/text.hpp"
#include "engine/host_checks.hpp"
#include "rootless/id_map.hpp"
#include "rootless/subids.hpp"

namespace engine {
namespace {

using base::concat;
using base::quoted;

constexpr std::uint64_t usual_range = 65536;
constexpr const char* single_id =
    "every file and process of a container has your own id: images with several users, as "
    "Debian's, work in part only";

std::uint64_t ids_in(const HostView& host, const std::string& path) {
  std::uint64_t count = 0;
  for (const rootless::SubidRange& range : rootless::parse_subids(host.read(path).value_or(""), host.user, host.uid))
    count += range.count;
  return count;
}

CheckResult check_range(const HostView& host, const std::string& path, const char* option) {
  if (host.uid == 0) return {.evidence = "root has all ids"};
  if (rootless::has_foreign_subid_source(host.read("/etc/nsswitch.conf").value_or("")))
    return {.status = CheckStatus::note, .evidence = "/etc/nsswitch.conf names another source of them: see getsubids"};
  const std::uint64_t count = ids_in(host, path);
  if (count >= usual_range) return {.evidence = concat(count, " ids for ", quoted(host.user))};
  const std::uint32_t start = rootless::next_free_subid(host.read(path).value_or(""));
  const std::string command = concat("usermod ", option, " ", start, "-", start + usual_range - 1, " ", host.user);
  return {.status = count == 0 ? CheckStatus::problem : CheckStatus::warning,
          .evidence = count == 0 ? concat("no range for ", quoted(host.user), " in ", path)
                                 : concat("only ", count, " ids for ", quoted(host.user), " in ", path),
          .consequence = count == 0 ? single_id : "users of images with larger ids than these have none",
          .remedy = concat("sudo ", command),
          .script = command,
          .needs_root = true};
}

CheckResult subuid_range(const HostView& host) {
  return check_range(host, "/etc/subuid", "--add-subuids");
}
CheckResult subgid_range(const HostView& host) {
  return check_range(host, "/etc/subgid", "--add-subgids");
}

struct OwnedRange {
  std::string owner;
  std::uint64_t start, end;
};

/// Malformed lines are passed over, as newuidmap does. Source: subuid(5).
std::vector<OwnedRange> all_ranges(const std::string& text) {
  std::vector<OwnedRange> ranges;
  for (const std::string_view line : base::split(text, '\n')) {
    const auto fields = base::split(line, ':');
    if (fields.size() != 3) continue;
    const auto start = base::parse_unsigned(base::trim(fields[1])), count = base::parse_unsigned(base::trim(fields[2]));
    if (start && count && *count > 0) ranges.push_back({std::string{fields[0]}, *start, *start + *count});
  }
  std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
  return ranges;
}

CheckResult subid_overlap(const HostView& host) {
  for (const char* path : {"/etc/subuid", "/etc/subgid"}) {
    const std::vector<OwnedRange> ranges = all_ranges(host.read(path).value_or(""));
    for (std::size_t i = 1; i < ranges.size(); ++i) {
      const OwnedRange &first = ranges[i - 1], &second = ranges[i];
      if (second.start >= first.end || first.owner == second.owner) continue;
      return {.status = CheckStatus::warning,
              .evidence = concat(path, " gives the ids from ", second.start, " on to ", quoted(first.owner), " and to ",
                                 quoted(second.owner)),
              .consequence = "containers of these users can reach each other's files",
              .remedy = concat("give one of them another range in ", path, ", then engine system reset as that user")};
    }
  }
  return {.evidence = "no two users share ids"};
}

CheckResult check_helper(const std::string& problem, const char* name) {
  if (problem.empty()) return {.evidence = concat(name, " can be used")};
  const bool is_absent = problem.find("not installed") != std::string::npos;
  const std::string command =
      is_absent ? "apt-get install uidmap   # Fedora: dnf install shadow-utils" : concat("chmod u+s /usr/bin/", name);
  return {.status = CheckStatus::problem,
          .evidence = problem,
          .consequence = single_id,
          .remedy = concat("sudo ", command),
          .script = command,
          .needs_root = true};
}

CheckResult newuidmap(const HostView& host) {
  return check_helper(host.uid == 0 ? "" : host.probes.newuidmap(), "newuidmap");
}
CheckResult newgidmap(const HostView& host) {
  return check_helper(host.uid == 0 ? "" : host.probes.newgidmap(), "newgidmap");
}

/// The value of a line "Name:\t1" of /proc/self/status. Source: proc(5).
std::string status_value(const HostView& host, std::string_view name) {
  const std::string text = host.read("/proc/self/status").value_or("");
  for (const std::string_view line : base::split(text, '\n'))
    if (const auto pair = base::split_once(line, ':'); pair && pair->first == name)
      return std::string{base::trim(pair->second)};
  return "";
}

CheckResult no_new_privs(const HostView& host) {
  if (host.uid == 0 || status_value(host, "NoNewPrivs") != "1") return {.evidence = "setuid programs work"};
  return {.status = CheckStatus::problem,
          .evidence = "this process has no_new_privs (NoNewPrivs: 1 in /proc/self/status)",
          .consequence = concat("newuidmap cannot work: ", single_id),
          .remedy = "start it without: NoNewPrivileges=no in the unit, no --security-opt no-new-privileges outside"};
}

CheckResult passwd_entry(const HostView& host) {
  const std::string text = host.read("/etc/passwd").value_or("");
  const std::string number = std::to_string(host.uid);
  for (const std::string_view line : base::split(text, '\n'))
    if (const auto fields = base::split(line, ':'); fields.size() > 2 && fields[2] == number)
      return {.evidence = concat("uid ", number, " is ", quoted(fields[0]))};
  return {.status = CheckStatus::note,
          .evidence = concat("uid ", number, " has no line in /etc/passwd"),
          .consequence = "subordinate ids are found by number only; HOME must be set",
          .remedy = "where users come from LDAP or sssd this is usual"};
}

}  // namespace

const std::vector<HostCheck>& id_checks() {
  static const std::vector<HostCheck> checks{
      {"subuid-range", "subordinate user ids", subuid_range},
      {"subgid-range", "subordinate group ids", subgid_range},
      {"subid-overlap", "ranges of other users", subid_overlap},
      {"newuidmap", "newuidmap", newuidmap},
      {"newgidmap", "newgidmap", newgidmap},
      {"no-new-privs", "setuid programs", no_new_privs},
      {"passwd-entry", "the user's name", passwd_entry},
  };
  return checks;
}

}  // namespace engine
