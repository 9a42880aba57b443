#include "rootless/user_namespace.hpp"

#include <cerrno>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/host_file.hpp"
#include "base/text.hpp"
#include "rootless/newidmap.hpp"

namespace rootless {
namespace {

constexpr int channel_number = 3;
constexpr std::string_view map_ids = "map-ids";
constexpr std::string_view ids_mapped = "ids-mapped";
constexpr std::string_view as_you_are = "as-you-are";
constexpr std::string_view failed_prefix = "failed ";
constexpr std::size_t max_sysctl_bytes = 64;

std::string sysctl(const std::string& path) {
  return std::string{base::trim(base::try_read_host_file("/proc/sys/" + path, max_sysctl_bytes).value_or(""))};
}

void write_map_file(int proc_pid_fd, const std::string& name, std::string_view text) {
  try {
    base::write_existing(proc_pid_fd, name, text);
  } catch (base::Error& error) {
    error.add_context("writing the id map");
    if (error.code() == EPERM || error.code() == EACCES)
      throw std::move(error).with_hint(user_namespace_error(EPERM).hint());
    throw;
  }
}

void write_maps_directly(int proc_pid_fd, const IdMap& map, bool deny_setgroups) {
  write_map_file(proc_pid_fd, "uid_map", map_text(map.uids));
  // An unprivileged writer must give up setgroups first. Source: user_namespaces(7), CVE-2014-8989.
  if (deny_setgroups) write_map_file(proc_pid_fd, "setgroups", "deny");
  write_map_file(proc_pid_fd, "gid_map", map_text(map.gids));
}

// Kills its process before the channel closes, so that the child never sees an end of file and complains itself.
struct Conversation {
  base::Channel channel;
  base::Child process;
};

/// Whether the same would come of another try. Too little memory and a limit that is reached pass.
bool is_for_good(int code) {
  if (code == ENOSPC) return sysctl("user/max_user_namespaces") == "0";
  return code == EPERM || code == EACCES || code == EINVAL || code == ENOSYS;
}

/// Why the child goes on without a user namespace; empty: it asks for its ids.
std::string await_request(const Conversation& with, const std::string& program, bool may_do_without) {
  const std::optional<base::Channel::Message> request = with.channel.receive();
  if (!request) {
    throw base::make_error(base::ErrorKind::internal, base::quoted(program), " ended before it asked for its id map");
  }
  const std::string_view word = request->bytes;
  if (word == map_ids) return {};
  if (word.starts_with(failed_prefix)) {
    const int code = static_cast<int>(base::parse_unsigned(word.substr(failed_prefix.size())).value_or(0));
    base::Error error = user_namespace_error(code);
    if (may_do_without && is_for_good(code)) return error.message();
    throw error;
  }
  throw base::make_error(base::ErrorKind::internal, base::quoted(program), " sent ", base::quoted(word), " instead of ",
                         base::quoted(map_ids));
}

/// Whether our user namespace, or one around it, gave setgroups(2) up. Source: user_namespaces(7).
bool is_setgroups_denied() {
  const auto word = base::try_read_file(AT_FDCWD, "/proc/self/setgroups", 16);
  return word && base::trim(*word) == "deny";
}

void become_root(bool keeps_groups = false) {
  if (!keeps_groups && ::setgroups(0, nullptr) != 0) {
    base::Error error = base::os_error("dropping groups");
    if (error.code() != EPERM || !is_setgroups_denied()) throw error;
  }
  if (::setresgid(0, 0, 0) != 0) throw base::os_error("becoming group 0 of the user namespace");
  if (::setresuid(0, 0, 0) != 0) throw base::os_error("becoming user 0 of the user namespace");
}

/// Nothing when the parent is gone.
std::optional<base::Channel::Message> ask_for_ids(const base::Channel& channel) {
  try {
    channel.send(map_ids);
  } catch (const base::Error& error) {
    if (error.code() == EPIPE) return std::nullopt;
    throw;
  }
  return channel.receive();
}

base::Channel inherited_channel() {
  struct stat facts {};
  if (::fstat(channel_number, &facts) != 0 || !S_ISSOCK(facts.st_mode)) {
    throw base::make_error(base::ErrorKind::invalid_argument, "this command is only for engine itself");
  }
  base::set_close_on_exec(channel_number, true);
  return base::Channel{base::UniqueFd{channel_number}};
}

}  // namespace

base::Error user_namespace_error(int code) {
  base::Error error = base::error_from_code(code, "making a user namespace");
  if (sysctl("user/max_user_namespaces") == "0" || code == ENOSPC) {
    return std::move(error).with_hint("as root: sysctl user.max_user_namespaces=15000");
  }
  if (sysctl("kernel/unprivileged_userns_clone") == "0") {
    return std::move(error).with_hint("as root: sysctl kernel.unprivileged_userns_clone=1");
  }
  if (sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1") {
    return std::move(error).with_hint(
        "AppArmor forbids it: allow userns to engine in a profile, or as root: "
        "sysctl kernel.apparmor_restrict_unprivileged_userns=0");
  }
  if (code == EPERM) {
    return std::move(error).with_hint(
        "user namespaces are forbidden here: by a seccomp filter of a surrounding container, a security module, or "
        "chroot");
  }
  return error;
}

void write_id_maps(pid_t pid, int proc_pid_fd, const IdMap& map, const HostFacts& host) {
  check_ranges(map.uids);
  check_ranges(map.gids);
  if (map.single || host.writes_maps) {
    write_maps_directly(proc_pid_fd, map, !host.writes_maps);
  } else if (host.newuidmap.empty() || host.newgidmap.empty()) {
    throw base::Error{base::ErrorKind::unsupported,
                      base::concat("this id map needs newuidmap and newgidmap: ", host.single_reason),
                      host.single_hint};
  } else {
    run_id_map_helpers(pid, map, host);
  }
}

MappedChild spawn_in_user_namespace(base::Command command, const IdMap& map, const HostFacts& host) {
  auto [ours, theirs] = base::Channel::make_pair();
  command.fds.emplace_back(theirs.fd(), channel_number);
  Conversation with{std::move(ours), base::spawn(command)};
  theirs.close();
  const base::UniqueFd proc = base::open_directory(AT_FDCWD, base::concat("/proc/", with.process.pid()));
  std::string reason = await_request(with, command.path, host.may_only_chroot);
  if (!reason.empty()) {
    with.channel.send(as_you_are);
    return {std::move(with.process), std::move(with.channel), std::move(reason)};
  }
  write_id_maps(with.process.pid(), proc.get(), map, host);
  with.channel.send(ids_mapped);
  return {std::move(with.process), std::move(with.channel)};
}

base::Channel enter_mapped_namespace(bool with_mount_namespace, bool keeps_groups) {
  base::assert_single_threaded();
  base::Channel channel = inherited_channel();
  if (::unshare(CLONE_NEWUSER | (with_mount_namespace ? CLONE_NEWNS : 0)) != 0) {
    const int code = errno;
    channel.send(base::concat(failed_prefix, code));
    const auto answer = channel.receive();  // the parent says it to the user and kills us
    if (answer && answer->bytes == as_you_are) return channel;
    throw user_namespace_error(code);
  }
  // Our map files must belong to us, not to root, while the parent writes them: proc(5), PR_SET_DUMPABLE.
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  const std::optional<base::Channel::Message> answer = ask_for_ids(channel);
  // Killed: nobody is left to be told.
  if (!answer) throw base::Error{base::ErrorKind::interrupted, ""};
  if (answer->bytes != ids_mapped)
    throw base::make_error(base::ErrorKind::internal, "the parent process did not map our ids");
  become_root(keeps_groups);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  return channel;
}

void enter_user_namespace(int user_namespace_fd) {
  base::assert_single_threaded();
  if (::setns(user_namespace_fd, CLONE_NEWUSER) != 0) throw base::os_error("joining a user namespace");
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void join_user_namespace(int user_namespace_fd) {
  base::assert_single_threaded();
  if (::setns(user_namespace_fd, CLONE_NEWUSER) != 0) throw base::os_error("joining a user namespace");
  become_root();
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

}  // namespace rootless
