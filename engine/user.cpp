#include "engine/user.hpp"

#include <algorithm>
#include <optional>

#include "base/error.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::size_t max_line_bytes = 64 * 1024;
constexpr std::uint32_t max_id = 4294967294U;

bool is_all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<std::uint32_t> parse_id(std::string_view text) {
  const auto number = base::parse_unsigned(text);
  if (!number || *number > max_id) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

std::uint32_t require_id(std::string_view text, std::string_view what) {
  const auto id = parse_id(text);
  if (!id) throw make_error(ErrorKind::invalid_argument, what, " ", quoted(text), " is not in the range 0 to ", max_id);
  return *id;
}

struct PasswdEntry {
  std::string_view name;
  std::uint32_t uid, gid;
  std::string_view home;
};

/// Calls `use` for each well-formed line until it returns true.
template <class Use>
void each_passwd_entry(std::string_view passwd, Use use) {
  for (const std::string_view line : base::split(passwd, '\n')) {
    if (line.size() > max_line_bytes) continue;
    const auto fields = base::split(line, ':');
    if (fields.size() < 6 || is_all_digits(fields[0])) continue;
    const auto uid = parse_id(fields[2]);
    const auto gid = parse_id(fields[3]);
    if (uid && gid && use(PasswdEntry{fields[0], *uid, *gid, fields[5]})) return;
  }
}

template <class Use>
void each_group(std::string_view group, Use use) {
  for (const std::string_view line : base::split(group, '\n')) {
    if (line.size() > max_line_bytes) continue;
    const auto fields = base::split(line, ':');
    if (fields.size() < 3 || is_all_digits(fields[0])) continue;
    const auto gid = parse_id(fields[2]);
    if (gid && use(fields[0], *gid, fields.size() > 3 ? fields[3] : std::string_view{})) return;
  }
}

std::uint32_t find_group(std::string_view name, std::string_view group) {
  if (is_all_digits(name)) return require_id(name, "group id");
  std::optional<std::uint32_t> found;
  each_group(group, [&](std::string_view entry, std::uint32_t gid, std::string_view) {
    if (entry == name) found = gid;
    return found.has_value();
  });
  if (!found)
    throw make_error(ErrorKind::not_found, "unable to find group ", quoted(name),
                     ": no matching entry in /etc/group of the container");
  return *found;
}

void add_member_groups(ResolvedUser& user, std::string_view name, std::string_view group) {
  if (name.empty()) return;
  each_group(group, [&](std::string_view, std::uint32_t gid, std::string_view members) {
    for (const std::string_view member : base::split(members, ','))
      if (member == name) user.additional_gids.push_back(gid);
    return false;
  });
}

/// Fills uid, gid and home; returns the user's name, empty when there is no entry.
std::string find_user(ResolvedUser& user, std::string_view wanted, std::string_view passwd) {
  const bool numeric = is_all_digits(wanted);
  if (numeric) user.uid = require_id(wanted, "user id");
  std::string name;
  bool found = false;
  each_passwd_entry(passwd, [&](const PasswdEntry& entry) {
    found = numeric ? entry.uid == user.uid : entry.name == wanted;
    if (!found) return false;
    user.uid = entry.uid;
    user.gid = entry.gid;
    user.home = entry.home.starts_with('/') ? std::string{entry.home} : "/";
    name = entry.name;
    return true;
  });
  if (found) return name;
  if (!numeric)
    throw make_error(ErrorKind::not_found, "unable to find user ", quoted(wanted),
                     ": no matching entry in /etc/passwd of the container")
        .with_hint("use a numeric user id, or a user that the image knows");
  if (user.uid == 0) user.home = "/root";
  return {};
}

}  // namespace

ResolvedUser resolve_user(std::string_view user, std::string_view passwd, std::string_view group,
                          const std::vector<std::string>& group_add) {
  ResolvedUser result;
  const auto pair = base::split_once(user, ':');
  std::string_view wanted = pair ? pair->first : user;
  if (wanted.empty()) wanted = "0";
  if (wanted.find_first_of(" \t\n") != std::string_view::npos || wanted.starts_with('+') || wanted.starts_with('-'))
    throw make_error(ErrorKind::invalid_argument, "user ", quoted(user), " is not a user name or id");
  const std::string name = find_user(result, wanted, passwd);
  if (pair && !pair->second.empty())
    result.gid = find_group(pair->second, group);
  else
    add_member_groups(result, name, group);
  for (const std::string& extra : group_add) {
    if (extra == "keep-groups") continue;  // engine/start_init.cpp
    result.additional_gids.push_back(find_group(extra, group));
  }
  auto& gids = result.additional_gids;
  // Without it, a program that gives up its group escapes what that group is denied. Source: CVE-2022-2989.
  gids.push_back(result.gid);
  std::sort(gids.begin(), gids.end());
  gids.erase(std::unique(gids.begin(), gids.end()), gids.end());
  return result;
}

}  // namespace engine
