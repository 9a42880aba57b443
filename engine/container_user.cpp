#include "engine/container_user.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/host_file.hpp"
#include "base/path_in_root.hpp"
#include "engine/union_file.hpp"
#include "engine/upper.hpp"
#include "rootless/id_ranges.hpp"
#include "storage/layers.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::array<const char*, 2> file_names = {"passwd", "group"};
constexpr std::size_t max_file_bytes = 4 * 1024 * 1024;
constexpr mode_t usual_file_mode = 0644;
constexpr mode_t usual_folder_mode = 0755;

/// The lower directories alone, for looking into the image before anything is mounted; of the variant whose files are
/// all ours to read, if there is one.
base::RootfsMount lowers_only(Engine& engine, const storage::ContainerRecord& record) {
  base::RootfsMount rootfs;
  if (!record.rootfs.empty()) {
    rootfs.lowers.emplace_back(::open(record.rootfs.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!rootfs.lowers.back()) throw base::os_error("opening rootfs ", quoted(record.rootfs));
    return rootfs;
  }
  rootfs.driver = base::RootfsDriver::overlay;
  std::vector<base::Digest> chain_ids;
  for (const std::string& chain : record.chain_ids) chain_ids.push_back(base::Digest::parse(chain));
  const bool has_default = std::all_of(chain_ids.begin(), chain_ids.end(), [&](const base::Digest& chain) {
    return storage::has_layer(engine.store(), chain, engine.variant());
  });
  rootfs.lowers = storage::open_layer_diffs(engine.store(), chain_ids, has_default ? engine.variant() : record.variant);
  return rootfs;
}

void check_user_is_mapped(const ResolvedUser& user, const rootless::IdMap& map, bool is_default) {
  if (rootless::map_out(map.uids, user.uid) && rootless::map_out(map.gids, user.gid)) return;
  std::string hint = "a longer range in /etc/subuid and /etc/subgid reaches that id";
  if (!is_default) hint = "the id map that was asked for does not have it";
  if (map.single)
    hint =
        "add ranges for you to /etc/subuid and /etc/subgid (usermod --add-subuids 100000-165535 --add-subgids "
        "100000-165535 USER)";
  throw make_error(ErrorKind::unsupported, "user ", user.uid, ":", user.gid,
                   " is not among the ids this user may use in containers")
      .with_hint(hint);
}

/// The caller's home where it is mounted, else where the container's process starts.
std::string home_of_caller(const Engine& engine, const std::vector<MountWord>& mounts, const std::string& work_dir) {
  const bool is_mounted = std::any_of(mounts.begin(), mounts.end(),
                                      [&](const MountWord& mount) { return mount.destination == engine.host.home; });
  return is_mounted ? engine.host.home : work_dir;
}

/// Of the host's group file; else the group is called as the user is.
std::string name_of_group(std::uint32_t gid, const std::string& fallback) {
  const std::string text = base::try_read_host_file("/etc/group", max_file_bytes).value_or("");
  for (const std::string_view line : base::split(text, '\n')) {
    const auto fields = base::split(line, ':');
    if (fields.size() >= 3 && base::parse_unsigned(fields[2]) == gid) return std::string{fields[0]};
  }
  return fallback;
}

void append(std::optional<std::string>& changed, std::string text, const std::string& line) {
  // A file that the image does not have is not made: the image may do without users.
  if (line.empty() || text.empty()) return;
  if (text.back() != '\n') text += '\n';
  changed = text + line;
}

bool is_known(std::string_view file, std::string_view name, std::uint32_t id) {
  for (const std::string_view line : base::split(file, '\n')) {
    const auto fields = base::split(line, ':');
    if (fields.size() >= 3 && (fields[0] == name || base::parse_unsigned(fields[2]) == id)) return true;
  }
  return false;
}

/// The mode that the image's /etc has.
mode_t mode_of_etc(const base::RootfsMount& rootfs) {
  for (const base::UniqueFd& lower : rootfs.lowers) {
    struct stat info {};
    if (::fstatat(lower.get(), "etc", &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode))
      return info.st_mode & 07777;
  }
  return usual_folder_mode;
}

void write_into(int folder, const ContainerUser& user) {
  const std::array<const std::optional<std::string>*, 2> texts = {&user.passwd, &user.group};
  for (std::size_t i = 0; i < file_names.size(); ++i) {
    if (!texts[i]->has_value()) continue;
    base::create_file_exclusively(folder, file_names[i], **texts[i], base::Durability::volatile_, usual_file_mode);
    if (::fchmodat(folder, file_names[i], usual_file_mode, 0) != 0)
      throw base::os_error("setting the mode of ", quoted(file_names[i]));
  }
}

/// Source: podman-run(1) --passwd-entry.
std::string filled_in(std::string entry, const std::string& name, const ResolvedUser& user, const std::string& home) {
  const std::pair<std::string_view, std::string> values[] = {
      {"$USERNAME", name}, {"$NAME", ""}, {"$UID", concat(user.uid)}, {"$GID", concat(user.gid)}, {"$HOME", home}};
  for (const auto& [variable, value] : values)
    for (std::size_t at = entry.find(variable); at != std::string::npos; at = entry.find(variable, at + value.size()))
      entry.replace(at, variable.size(), value);
  if (entry.find_first_of(std::string_view{"\n\0", 2}) != std::string::npos)
    throw make_error(ErrorKind::invalid_argument, "--passwd-entry is more than one line");
  return entry + '\n';
}

/// A user of this host, by name or number; empty when the container has one of that name or number already.
std::string line_of_host_user(const std::string& name, std::string_view known) {
  const std::string text = base::try_read_host_file("/etc/passwd", max_file_bytes).value_or("");
  for (const std::string_view line : base::split(text, '\n')) {
    const auto fields = base::split(line, ':');
    if (fields.size() < 7 || (fields[0] != name && fields[2] != name)) continue;
    const auto uid = base::parse_unsigned(fields[2]);
    if (!uid || *uid >= UINT32_MAX || is_known(known, fields[0], static_cast<std::uint32_t>(*uid))) return {};
    return concat(fields[0], ":*:", fields[2], ':', fields[3], ':', fields[4], ":/:/bin/sh\n");
  }
  throw make_error(ErrorKind::not_found, "--hostuser ", quoted(name), ": this host has no such user in /etc/passwd");
}

std::string with_value(std::string text, std::string_view variable, const std::string& value) {
  for (std::size_t at = text.find(variable); at != std::string::npos; at = text.find(variable, at + value.size()))
    text.replace(at, variable.size(), value);
  return text;
}

/// Source: podman-run(1) --group-entry.
std::string filled_in_group(const std::string& entry, const std::string& name, std::uint32_t gid,
                            const std::string& members) {
  if (entry.find_first_of(std::string_view{"\n\0", 2}) != std::string::npos)
    throw make_error(ErrorKind::invalid_argument, "--group-entry is more than one line");
  const std::string named = with_value(entry, "$GROUPNAME", name);
  return with_value(with_value(named, "$GID", concat(gid)), "$USERLIST", members) + '\n';
}

/// What podman writes for a user that is only a number.
std::string line_of_number(const ResolvedUser& user, const std::string& home) {
  return concat(user.uid, ":*:", user.uid, ':', user.gid, ":container user:", home, ":/bin/sh\n");
}

/// Of a group that only a number says: podman's line, or what --group-entry says.
void add_group_line(ContainerUser& result, const std::string& of_image, const std::string& wanted,
                    const RunOptions& options) {
  const std::string known = result.group.value_or(of_image);
  const std::string gid = concat(result.user.gid);
  if (is_known(known, gid, result.user.gid)) return;
  const auto pair = base::split_once(wanted, ':');
  if (!options.group_entry.empty())
    append(result.group, known, filled_in_group(options.group_entry, gid, result.user.gid, concat(result.user.uid)));
  else if (options.passwd && pair && pair->second == gid)
    append(result.group, known, concat(gid, ":x:", gid, ':', pair->first, '\n'));
}

}  // namespace

std::string passwd_line(std::string_view passwd, const std::string& name, std::uint32_t uid, std::uint32_t gid,
                        const std::string& home) {
  if (is_known(passwd, name, uid)) return {};
  return concat(name, ":*:", uid, ':', gid, "::", home, ":/bin/sh\n");
}

std::string group_line(std::string_view group, const std::string& name, std::uint32_t gid, const std::string& member) {
  if (is_known(group, name, gid)) return {};
  return concat(name, ":x:", gid, ':', member, '\n');
}

ContainerUser find_container_user(Engine& engine, const storage::ContainerRecord& record, const ContainerIds& ids,
                                  const RunOptions& options, const std::vector<MountWord>& mounts,
                                  const std::string& work_dir) {
  const base::RootfsMount rootfs = lowers_only(engine, record);
  const std::string passwd = read_union_file(rootfs, "etc", "passwd");
  const std::string group = read_union_file(rootfs, "etc", "group");
  ContainerUser result;
  std::string wanted = record.user;
  if (ids.own_uid) {
    const std::string& name = engine.host.user_name;
    const std::string home = home_of_caller(engine, mounts, work_dir);
    const ResolvedUser own{.uid = *ids.own_uid, .gid = *ids.own_gid, .additional_gids = {}};
    std::string line = passwd_line(passwd, name, own.uid, own.gid, home);
    if (!line.empty() && !options.passwd_entry.empty()) line = filled_in(options.passwd_entry, name, own, home);
    if (options.passwd) append(result.passwd, passwd, line);
    const std::string group_name = name_of_group(engine.host.gid, name);
    std::string of_group = group_line(group, group_name, own.gid, name);
    if (!of_group.empty() && !options.group_entry.empty())
      of_group = filled_in_group(options.group_entry, group_name, own.gid, name);
    append(result.group, group, of_group);
    if (wanted.empty()) wanted = concat(*ids.own_uid, ':', *ids.own_gid);
  }
  result.user = resolve_user(wanted, result.passwd.value_or(passwd), result.group.value_or(group), options.group_add);
  const std::string& known = result.passwd ? *result.passwd : passwd;
  if (options.passwd && !wanted.empty() && !is_known(known, concat(result.user.uid), result.user.uid)) {
    const std::string home = work_dir.empty() ? "/" : work_dir;
    append(result.passwd, known,
           options.passwd_entry.empty() ? line_of_number(result.user, home)
                                        : filled_in(options.passwd_entry, concat(result.user.uid), result.user, home));
  }
  for (const std::string& name : options.host_users)
    append(result.passwd, result.passwd.value_or(passwd), line_of_host_user(name, result.passwd.value_or(passwd)));
  add_group_line(result, group, wanted, options);
  if (ids.own_gid && *ids.own_gid != result.user.gid) result.user.additional_gids.push_back(*ids.own_gid);
  check_user_is_mapped(result.user, ids.map, ids.mode.empty());
  return result;
}

void write_user_files(Engine& engine, const storage::ContainerDir& container, const storage::ContainerRecord& record,
                      const ContainerUser& user) {
  if ((!user.passwd && !user.group) || record.has_plain_root()) return;
  if (record.driver == "copy") return write_into(container.dir.get(), user);
  const base::UniqueFd upper = make_upper(engine, container, record);
  const base::UniqueFd etc = base::make_directory(upper.get(), "etc");
  write_into(etc.get(), user);
  if (::fchmod(etc.get(), mode_of_etc(lowers_only(engine, record))) != 0)
    throw base::os_error("setting the mode of the container's /etc");
}

void install_user_files(const storage::ContainerDir& container) {
  const base::UniqueFd tree = base::open_directory(container.dir.get(), "tree");
  for (const char* name : file_names) {
    const auto text = base::try_read_file(container.dir.get(), name, max_file_bytes);
    if (!text) continue;
    const base::UniqueFd file = base::open_in_root(tree.get(), concat("etc/", name), O_WRONLY | O_TRUNC | O_NOFOLLOW);
    base::write_all(file.get(), *text);
    base::unlink_file(container.dir.get(), name);
  }
}

}  // namespace engine
