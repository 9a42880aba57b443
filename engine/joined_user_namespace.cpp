#include "engine/joined_user_namespace.hpp"

#include <algorithm>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/process.hpp"
#include "engine/joined_namespaces.hpp"
#include "rootless/id_map.hpp"
#include "rootless/id_ranges.hpp"
#include "rootless/user_namespace.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::string_view path_prefix = "ns:";
constexpr std::size_t max_id_map_bytes = 64 * 1024;

base::UniqueFd open_user_namespace(const std::string& path) {
  base::UniqueFd fd{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening user namespace ", quoted(path));
  if (::ioctl(fd.get(), NS_GET_NSTYPE) != CLONE_NEWUSER)
    throw make_error(ErrorKind::invalid_argument, quoted(path), " is not a user namespace");
  return fd;
}

/// "0 1000 1" lines of a map, as the kernel writes them.
std::vector<rootless::IdRange> ranges_in(const std::string& text) {
  std::vector<rootless::IdRange> ranges;
  for (const std::string_view line : base::split(text, '\n')) {
    std::vector<std::uint32_t> numbers;
    for (const std::string_view word : base::split(line, ' '))
      if (const auto number = base::parse_unsigned(word); number && *number <= UINT32_MAX)
        numbers.push_back(static_cast<std::uint32_t>(*number));
    if (numbers.size() == 3) ranges.push_back({numbers[0], numbers[1], numbers[2]});
  }
  return ranges;
}

/// Whose map is read from outside says ids of our own namespace, also where others lie between the two.
rootless::IdMap map_inside(int user_namespace) {
  base::Pipe end = base::make_pipe(), entered = base::make_pipe();
  base::Command command{.path = path_of_own_program("engine"), .argv = {"engine", "_network", "hold"}};
  command.fds = {{end.read_end.get(), STDIN_FILENO},
                 {entered.write_end.get(), STDOUT_FILENO},
                 {-1, STDERR_FILENO},
                 {user_namespace, 3}};
  command.die_with_parent = true;
  base::Child child = base::spawn(command);
  entered.write_end.reset();
  end.read_end.reset();
  char answer = 0;
  if (::read(entered.read_end.get(), &answer, 1) != 1)
    throw make_error(ErrorKind::permission, "the user namespace cannot be entered");
  const std::string folder = concat("/proc/", child.pid(), "/");
  rootless::IdMap map{.uids = ranges_in(base::read_file(AT_FDCWD, folder + "uid_map", max_id_map_bytes)),
                      .gids = ranges_in(base::read_file(AT_FDCWD, folder + "gid_map", max_id_map_bytes))};
  end.write_end.reset();
  child.wait();
  return map;
}

bool has_ids(const std::vector<runtime::IdMapping>& wanted, const std::vector<rootless::IdRange>& found) {
  return std::equal(wanted.begin(), wanted.end(), found.begin(), found.end(),
                    [](const runtime::IdMapping& one, const rootless::IdRange& other) {
                      return one.container_id == other.inside && one.host_id == other.outside &&
                             one.size == other.count;
                    });
}

}  // namespace

bool is_our_user_namespace(int user_namespace) {
  struct stat theirs {
  }, ours{};
  return ::fstat(user_namespace, &theirs) == 0 && ::stat("/proc/self/ns/user", &ours) == 0 &&
         theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

void check_may_join(const Engine& engine, int user_namespace, const std::string& what) {
  uid_t owner = 0;
  if (::ioctl(user_namespace, NS_GET_OWNER_UID, &owner) != 0 || (owner != engine.host.uid && !engine.host.writes_maps))
    throw make_error(ErrorKind::permission, what, " belongs to another user: joining it is not permitted");
}

ContainerIds ids_inside(const Engine& engine, int user_namespace, const std::string& what) {
  ContainerIds ids;
  ids.map = base::with_context([&] { return map_inside(user_namespace); }, "looking at the ids of ", what);
  ids.map.single = rootless::is_single(ids.map, engine.host.uid, engine.host.gid);
  ids.mode = ids.map.uids == engine.host.id_map.uids && ids.map.gids == engine.host.id_map.gids ? "" : "private";
  ids.variant = rootless::variant_of(ids.map);
  if (!rootless::lies_within(ids.map, engine.host.id_map))
    throw make_error(ErrorKind::unsupported, what, " has ids that are not ours");
  return ids;
}

std::optional<ContainerIds> ids_of_user_namespace(const Engine& engine, const RunOptions& options) {
  if (!options.userns.starts_with(path_prefix)) return std::nullopt;
  const std::string what = concat("user namespace ", quoted(options.userns.substr(path_prefix.size())));
  const base::UniqueFd user = open_user_namespace(options.userns.substr(path_prefix.size()));
  if (is_our_user_namespace(user.get()))
    throw make_error(ErrorKind::invalid_argument, what, " is the one that we are in, which cannot be joined")
        .with_hint("--userns host");
  check_may_join(engine, user.get(), what);
  return ids_inside(engine, user.get(), what);
}

void check_user_namespace(const Engine& engine, const runtime::Spec& spec, const std::string& name) {
  const auto& all = spec.linux.namespaces;
  const auto user =
      std::find_if(all.begin(), all.end(), [](const runtime::Namespace& one) { return one.type == "user"; });
  if (user == all.end() || user->path.empty() || container_of_path(user->path)) return;
  const ContainerIds ids =
      ids_inside(engine, open_user_namespace(user->path).get(), concat("user namespace ", quoted(user->path)));
  if (!has_ids(spec.linux.uid_mappings, ids.map.uids) || !has_ids(spec.linux.gid_mappings, ids.map.gids))
    throw make_error(ErrorKind::in_use, "user namespace ", quoted(user->path), " has other ids than when container ",
                     quoted(name), " was made for it");
}

int hold_user_namespace() {
  rootless::enter_user_namespace(3);
  base::write_all(STDOUT_FILENO, "+");
  base::read_to_end(STDIN_FILENO, 1);
  return 0;
}

}  // namespace engine
