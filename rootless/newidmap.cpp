#include "rootless/newidmap.hpp"

#include <chrono>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/process.hpp"

namespace rootless {
namespace {

constexpr std::chrono::milliseconds helper_limit{60'000};  // an LDAP server may be slow
constexpr std::size_t max_helper_words_bytes = 4096;

struct RunningHelper {
  std::string name;
  base::UniqueFd words;  // what it says on stderr
  base::StartingChild starting;
};

RunningHelper start_helper(const std::string& path, const char* name, pid_t pid, const std::vector<IdRange>& ranges) {
  base::Pipe stderr_pipe = base::make_pipe();
  base::Command command;
  command.path = path;
  command.argv = {name, base::concat(pid)};
  for (const IdRange& range : ranges) {
    for (const std::uint32_t number : {range.inside, range.outside, range.count}) {
      command.argv.push_back(base::concat(number));
    }
  }
  command.fds = {{stderr_pipe.write_end.get(), 2}};
  command.null_stdin = true;
  return {name, std::move(stderr_pipe.read_end), base::begin_spawn(command)};
}

std::string hint_for(const std::string& name, std::string_view words) {
  const char* file = name == "newuidmap" ? "/etc/subuid" : "/etc/subgid";
  if (words.find("not allowed") != std::string_view::npos) {
    return base::concat("the ranges of ", file, " and those that ", name, " accepts differ: look at \"getsubids\"");
  }
  if (words.find("Operation not permitted") != std::string_view::npos) {
    return base::concat(name, " has no privileges here: is it setuid root, and is this a container without CAP_",
                        name == "newuidmap" ? "SETUID" : "SETGID", '?');
  }
  return base::concat("try by hand: unshare --map-root-user --map-auto true; see also ", file);
}

void await_helper(RunningHelper& helper) {
  base::Child child = std::move(helper.starting).confirm();
  const std::optional<base::ExitStatus> status = child.wait_for(helper_limit);
  if (!status) {
    throw base::make_error(base::ErrorKind::permission, "writing the id map: ", helper.name, " does not end");
  }
  if (status->code == 0) return;
  const std::string all = base::read_to_end(helper.words.get(), max_helper_words_bytes);
  const std::string_view words = base::trim(all);
  throw base::Error{
      base::ErrorKind::permission,
      base::concat("writing the id map: ", words.empty() ? helper.name : words, " (exit code ", status->code, ')'),
      hint_for(helper.name, words)};
}

bool has_privilege_on_disk(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) return false;
  if (facts.st_uid == 0 && (facts.st_mode & S_ISUID) != 0) return true;
  return ::getxattr(path.c_str(), "security.capability", nullptr, 0) > 0;
}

bool is_on_nosuid_mount(const std::string& path) {
  struct statvfs facts {};
  return ::statvfs(path.c_str(), &facts) == 0 && (facts.f_flag & ST_NOSUID) != 0;
}

}  // namespace

IdMapHelper find_id_map_helper(const std::string& name, unsigned capability) {
  const std::optional<std::string> path = base::find_program(name);
  if (!path) return {.path = "", .problem = name + " is not installed"};
  if (!has_privilege_on_disk(*path)) {
    return {.path = "", .problem = base::concat(*path, " is neither setuid root nor has a file capability")};
  }
  if (is_on_nosuid_mount(*path)) {
    return {.path = "", .problem = base::concat(*path, " is on a file system mounted nosuid")};
  }
  if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
    return {.path = "", .problem = base::concat("no_new_privs is set, so ", name, " cannot work")};
  }
  if (::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 0) {
    return {.path = "", .problem = base::concat("a capability that ", name, " needs is not in our bounding set")};
  }
  return {.path = *path, .problem = ""};
}

void run_id_map_helpers(pid_t pid, const IdMap& map, const HostFacts& host) {
  RunningHelper uid_helper = start_helper(host.newuidmap, "newuidmap", pid, map.uids);
  RunningHelper gid_helper = start_helper(host.newgidmap, "newgidmap", pid, map.gids);
  await_helper(uid_helper);
  await_helper(gid_helper);
}

}  // namespace rootless
