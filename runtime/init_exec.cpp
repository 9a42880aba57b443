#include <array>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/path_in_root.hpp"
#include "runtime/capability_names.hpp"
#include "runtime/init.hpp"
#include "runtime/init_setup.hpp"
#include "runtime/init_spawn.hpp"
#include "runtime/process_attributes.hpp"
#include "runtime/seccomp_agent.hpp"
#include "runtime/stage.hpp"
#include "runtime/sync.hpp"
#include "runtime/terminal.hpp"

// A further process for a running container. The last stage is executed out here and joins the container's namespaces
// itself: what was executed inside could be traced there by whoever has CAP_SYS_PTRACE in the container's user
// namespace, and it has all capabilities in it for a while (CVE-2016-9962; stage_plan::join_fd).

namespace runtime {
namespace {

constexpr unsigned joinable[] = {CLONE_NEWUSER, CLONE_NEWNS,     CLONE_NEWPID, CLONE_NEWIPC,
                                 CLONE_NEWUTS,  CLONE_NEWCGROUP, CLONE_NEWNET, CLONE_NEWTIME};

base::UniqueFd open_namespaces_of(pid_t pid) {
  const std::string path = pid == 0 ? std::string{"/proc/self/ns"} : base::concat("/proc/", pid, "/ns");
  // Only its name: a process that is not dumpable may not list its own.
  base::UniqueFd folder{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!folder) throw base::os_error("opening ", base::quoted(path));
  return folder;
}

/// The text of the link, such as "mnt:[4026531841]", which costs the kernel less than the inode behind it.
std::string namespace_name(const base::UniqueFd& folder, const char* kind) {
  std::array<char, 64> text{};
  const ssize_t size = ::readlinkat(folder.get(), kind, text.data(), text.size());
  if (size < 0 && errno == ENOENT) return {};  // a kernel without this kind
  if (size < 0) throw base::os_error("examining the ", kind, " namespace");
  return {text.data(), static_cast<std::size_t>(size)};
}

// Joining the user namespace one is in already is EINVAL, and those of the host take rights there, so only what differs
// is asked for. All that were made for the container do, unless we have been put into one of them, which is harmless
// but for the user namespace.
unsigned differing_namespaces(const ExecRequest& request) {
  const base::UniqueFd ours = open_namespaces_of(0);
  const base::UniqueFd theirs = open_namespaces_of(request.init_pid);
  unsigned flags = 0;
  if (!request.namespaces.empty()) flags = plan_namespaces(request.namespaces).created & ~unsigned{CLONE_NEWUSER};
  for (const unsigned flag : joinable) {
    if ((flags & flag) != 0) continue;
    const std::string kind{namespace_file(flag)};
    if (namespace_name(ours, kind.c_str()) != namespace_name(theirs, kind.c_str())) flags |= flag;
  }
  return flags;
}

Terminal open_exec_terminal(const Process& process) {
  const base::UniqueFd root{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!root) throw base::os_error("opening the container's root directory");
  const base::UniqueFd devpts = base::open_in_root(root.get(), "dev/pts", O_PATH | O_DIRECTORY);
  Terminal terminal = open_terminal(devpts.get());
  const ConsoleSize& size = process.console_size;
  if (size.height != 0 || size.width != 0) set_window_size(terminal.master.get(), {size.height, size.width});
  set_terminal_owner(terminal.slave.get(), process.user.uid);
  return terminal;
}

/// Of the surroundings, which a chroot shares.
Terminal open_own_terminal(const Process& process) {
  Terminal terminal = open_terminal(-1);
  const ConsoleSize& size = process.console_size;
  if (size.height != 0 || size.width != 0) set_window_size(terminal.master.get(), {size.height, size.width});
  set_terminal_owner(terminal.slave.get(), process.user.uid);
  return terminal;
}

// Where only the container's own rights lead. The visitor executes nothing, is not in the pid namespace, and its memory
// is ours.
[[noreturn]] void visit_for_terminal(const ExecRequest& request, unsigned namespaces, const base::Channel& channel) {
  close_all_but({channel.fd(), request.init_pidfd});
  const auto joined = static_cast<int>(namespaces & (CLONE_NEWUSER | CLONE_NEWNS));
  if (joined != 0 && ::setns(request.init_pidfd, joined) != 0)
    throw base::os_error("joining the container's namespaces");
  become_container_root(true);
  // Both end with a change of ids, which the kernel takes as a reason to set them anew.
  set_dumpable(false);
  die_with_parent();
  const Terminal terminal = open_exec_terminal(request.process);
  send_sync(channel, Sync::created, {}, {terminal.master.get(), terminal.slave.get()});
  ::_exit(0);
}

Terminal fetch_terminal(const ExecRequest& request, unsigned namespaces) {
  auto [ours, theirs] = base::Channel::make_pair();
  base::Child visitor = start_clone(0, nullptr, theirs, ours,
                                    [&, &channel = theirs] { visit_for_terminal(request, namespaces, channel); });
  theirs.close();
  SyncMessage message = expect_sync(ours, Sync::created);
  if (message.fds.size() != 2) throw base::make_error(base::ErrorKind::internal, "the container's terminal is missing");
  visitor.wait();
  return {.master = std::move(message.fds[0]), .slave = std::move(message.fds[1])};
}

/// Source: user_namespaces(7): who may not, could otherwise drop a group that takes rights away.
bool may_set_groups(const ExecRequest& request) {
  const std::string file = base::concat("/proc/", request.init_pid, "/setgroups");
  return !request.process.user.keeps_groups && base::read_file(AT_FDCWD, file, 64).starts_with("allow");
}

StagePlan make_stage(const ExecRequest& request, unsigned namespaces) {
  const bool joins_user = (namespaces & CLONE_NEWUSER) != 0;
  StagePlan stage = plan_stage(request.process, request.seccomp, may_set_groups(request));
  Linux linux_part;
  linux_part.personality = request.personality;
  linux_part.memory_policy = request.memory_policy;
  add_linux_attributes(linux_part, stage);
  // Joining a user namespace gives all that there are. Source: user_namespaces(7).
  leave_out_unobtainable(stage.capabilities, joins_user ? kernel_capability_bits() : own_capabilities());
  if (!joins_user && ::geteuid() != 0) keep_capabilities_over_exec();
  if (!stage.umask) stage.umask = 022;
  stage.die_with_parent = request.die_with_parent;
  stage.oom_score = request.process.oom_score_adj;
  stage.join_namespaces = namespaces;
  return stage;
}

bool has_initial_affinity(const Process& process) {
  return process.exec_cpu_affinity && !process.exec_cpu_affinity->initial.empty();
}

/// Whether the child can be born where it belongs: nobody is born in the cgroups of version 1, and what is to be done
/// outside of the cgroup leaves only moving.
bool can_be_born_in_place(const ExecRequest& request) {
  if (has_initial_affinity(request.process)) return false;
  return request.cgroup == nullptr || (request.cgroup->clone_fd() >= 0 && request.cgroup->record().legacy.empty());
}

/// While the child waits for its start byte.
void move_to_place(const ExecRequest& request, pid_t child) {
  if (has_initial_affinity(request.process))
    base::with_context([&] { set_cpu_affinity(child, request.process.exec_cpu_affinity->initial); },
                       "process.execCPUAffinity.initial");
  if (request.cgroup == nullptr) return;
  try {
    base::with_context([&] { request.cgroup->add(child); }, "moving the process to the container's cgroup");
  } catch (const base::Error& error) {
    // From one session of a user to a unit of another only systemd could move it. Source: cgroups(7), "delegation
    // containment".
    if (error.kind() != base::ErrorKind::permission || ::geteuid() == 0) throw;
    base::log(base::LogLevel::info, error.message(), ": it stays in the cgroup of its caller");
  }
}

base::Child spawn(const ExecRequest& request, const StagePlan& plan, StageDescriptors descriptors) {
  if (can_be_born_in_place(request)) {
    const int cgroup = request.cgroup == nullptr ? -1 : request.cgroup->clone_fd();
    if (auto child = spawn_stage(PreparedStage{plan, descriptors}, cgroup)) return std::move(*child);
  }
  base::Pipe start = base::make_pipe();
  descriptors.start = start.read_end.get();
  base::Child child = spawn_stage(PreparedStage{plan, descriptors}, -1).value();
  start.read_end.reset();
  move_to_place(request, child.pid());
  base::write_all(start.write_end.get(), "s");
  return child;
}

/// The process that is in the container, in place of the one that cloned it.
base::Child adopt_successor(base::Child child, const CreatedInit& started) {
  const pid_t pid = wait_for_join(started);
  // Our child, and not reaped, so the number is still its. It was told to go on: should anything fail now, it is
  // killed.
  base::Child successor{pid, base::UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))}};
  if (successor.pidfd() < 0) throw base::os_error("opening process ", pid);
  child.wait();
  return successor;
}

/// A chroot is not joined but made again, in a clone, while CAP_SYS_CHROOT is there.
base::Child spawn_in_chroot(const ExecRequest& request, const StagePlan& plan, const StageDescriptors& descriptors) {
  auto [ours, theirs] = base::Channel::make_pair();
  base::Child child = start_clone(0, nullptr, theirs, ours, [&, &theirs = theirs] {
    chroot_into(request.chroot);
    send_sync(theirs, Sync::created);
    enter_stage(plan, descriptors);
  });
  theirs.close();
  expect_sync(ours, Sync::created);
  return child;
}

}  // namespace

CreatedInit start_exec(const ExecRequest& request) {
  const unsigned namespaces = differing_namespaces(request);
  // It would be a process of the host.
  if (namespaces == 0 && request.chroot < 0)
    throw base::make_error(base::ErrorKind::internal, "the container has no namespace to join");
  // They were looked up by a number that may be another process's by now.
  if (has_ended(request.init_pidfd, 0)) throw base::error_from_code(ESRCH, "joining the container");
  const base::UniqueFd agent = connect_seccomp_agent(request.seccomp);
  const base::UniqueFd executable = make_stage_executable();
  base::Pipe report = base::make_pipe();
  Terminal terminal;
  if (request.process.terminal)
    terminal = request.chroot >= 0 ? open_own_terminal(request.process) : fetch_terminal(request, namespaces);
  ExecLabel label;
  if (wants_label(request.process)) label = find_exec_label(request.process, false);
  StagePlan plan = make_stage(request, namespaces);
  plan.label = label.text;
  plan.label_file = label.file;
  if (agent)
    plan.seccomp_state = seccomp_process_state(
        request.seccomp,
        hook_state(request.container ? *request.container : HookContainer{}, request.init_pid, "running"));
  const int slave = terminal.slave.get();
  CreatedInit started;
  const StageDescriptors descriptors{.stdin_fd = slave >= 0 ? slave : request.stdin_fd,
                                     .stdout_fd = slave >= 0 ? slave : request.stdout_fd,
                                     .stderr_fd = slave >= 0 ? slave : request.stderr_fd,
                                     .preserved = request.preserved_fds,
                                     .executable = executable.get(),
                                     .report = report.write_end.get(),
                                     .label = label.folder.get(),
                                     .seccomp_agent = agent.get(),
                                     .join = namespaces != 0 ? request.init_pidfd : -1};
  started.process =
      request.chroot >= 0 ? spawn_in_chroot(request, plan, descriptors) : spawn(request, plan, descriptors);
  report.write_end.reset();
  started.terminal = std::move(terminal.master);
  started.start_report = std::move(report.read_end);
  started.command = request.process.args.front();
  started.cwd = request.process.cwd;
  if (namespaces != 0) started.process = adopt_successor(std::move(started.process), started);
  return started;
}

}  // namespace runtime
