#include <array>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/path_in_root.hpp"
#include "runtime/home.hpp"
#include "runtime/init.hpp"
#include "runtime/init_join.hpp"
#include "runtime/init_setup.hpp"
#include "runtime/process_attributes.hpp"
#include "runtime/seccomp_agent.hpp"
#include "runtime/stage.hpp"
#include "runtime/sync.hpp"
#include "runtime/terminal.hpp"

// A further process for a running container. The clone joins all namespaces of the container's init, and its successor,
// which is inside the pid namespace, executes the last stage. Neither is ever dumpable in there (CVE-2016-9962).

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

std::vector<int> our_descriptors(const ExecOrders& orders) {
  const ExecRequest& request = *orders.request;
  std::vector<int> kept = {orders.stage_executable.get(),
                           orders.report.get(),
                           orders.channel.fd(),
                           orders.seccomp_agent.get(),
                           request.init_pidfd,
                           request.stdin_fd,
                           request.stdout_fd,
                           request.stderr_fd};
  kept.insert(kept.end(), request.preserved_fds.begin(), request.preserved_fds.end());
  return kept;
}

void join_container(const ExecRequest& request, unsigned flags) {
  // All at once: the kernel checks each against the rights we have in the container's user namespace.
  if (flags != 0 && ::setns(request.init_pidfd, static_cast<int>(flags)) != 0)
    throw base::os_error("joining the container's namespaces");
}

Terminal open_exec_terminal(const Process& process, int root) {
  const base::UniqueFd devpts = base::open_in_root(root, "dev/pts", O_PATH | O_DIRECTORY);
  Terminal terminal = open_terminal(devpts.get());
  const ConsoleSize& size = process.console_size;
  if (size.height != 0 || size.width != 0) set_window_size(terminal.master.get(), {size.height, size.width});
  set_terminal_owner(terminal.slave.get(), process.user.uid);
  return terminal;
}

StagePlan make_stage(const ExecOrders& orders, const Process& process, bool may_set_groups, pid_t outer_pid) {
  const ExecRequest& request = *orders.request;
  StagePlan stage = plan_stage(process, request.seccomp, may_set_groups);
  Linux linux_part;
  linux_part.personality = request.personality;
  linux_part.memory_policy = request.memory_policy;
  add_linux_attributes(linux_part, stage);
  leave_out_unobtainable(stage.capabilities);
  stage.die_with_parent = request.die_with_parent;
  if (orders.seccomp_agent)
    stage.seccomp_state = seccomp_process_state(
        request.seccomp, outer_pid,
        hook_state(request.container ? *request.container : HookContainer{}, request.init_pid, "running"));
  return stage;
}

/// @param proc   The host's, if a label is to be written; the last thing of the host that is let go.
[[noreturn]] void run_inside(const ExecOrders& orders, base::UniqueFd proc, pid_t outer_pid) {
  const ExecRequest& request = *orders.request;
  if (request.die_with_parent) die_with_parent();
  ExecLabel label;
  if (proc) label = open_exec_label(request.process, proc.get());
  proc.reset();
  const bool may_set_groups = become_container_root(request.process.user.keeps_groups);
  const base::UniqueFd root{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!root) throw base::os_error("opening the container's root directory");
  Process process = request.process;
  add_home(process.env, root.get(), process.user.uid);
  Terminal terminal;
  if (process.terminal) terminal = open_exec_terminal(process, root.get());
  StagePlan stage = make_stage(orders, process, may_set_groups, outer_pid);
  stage.label = label.text;
  std::vector<int> handed_over;
  if (terminal.master) handed_over.push_back(terminal.master.get());
  send_sync(orders.channel, Sync::created, {}, handed_over);
  terminal.master.reset();
  const int slave = terminal.slave.get();
  if (slave < 0) give_pipes_to(process.user.uid, {request.stdin_fd, request.stdout_fd, request.stderr_fd});
  enter_stage(stage, {.stdin_fd = slave >= 0 ? slave : request.stdin_fd,
                      .stdout_fd = slave >= 0 ? slave : request.stdout_fd,
                      .stderr_fd = slave >= 0 ? slave : request.stderr_fd,
                      .preserved = request.preserved_fds,
                      .executable = orders.stage_executable.get(),
                      .report = orders.report.get(),
                      .label = label.fd.get(),
                      .seccomp_agent = orders.seccomp_agent.get()});
}

void set_initial_affinity(const Process& process) {
  if (process.exec_cpu_affinity)
    base::with_context([&] { set_own_cpu_affinity(process.exec_cpu_affinity->initial); },
                       "process.execCPUAffinity.initial");
}

[[noreturn]] void join_and_continue(const ExecOrders& orders, unsigned namespaces) {
  const ExecRequest& request = *orders.request;
  const Process& process = request.process;
  close_all_but(our_descriptors(orders));
  set_usual_umask();
  if (process.oom_score_adj) {
    set_dumpable(true);  // still outside: nobody in the container can see us
    set_oom_score(*process.oom_score_adj);
  }
  set_dumpable(false);
  base::UniqueFd proc;
  if (wants_label(process)) proc = open_host_proc();
  join_container(request, namespaces);
  continue_in_successor(0, orders.channel, [&](pid_t outer_pid) { run_inside(orders, std::move(proc), outer_pid); });
}

bool has_initial_affinity(const Process& process) {
  return process.exec_cpu_affinity && !process.exec_cpu_affinity->initial.empty();
}

/// Whether the clone in between has nothing to do but join, so that it may do so on our memory.
bool only_joins(const ExecOrders& orders, unsigned namespaces) {
  const ExecRequest& request = *orders.request;
  const Process& process = request.process;
  if ((namespaces & CLONE_NEWTIME) != 0 || process.oom_score_adj || wants_label(process)) return false;
  if (has_initial_affinity(process) || orders.seccomp_agent) return false;
  return request.cgroup == nullptr || request.cgroup->clone_fd() >= 0 || request.cgroup->record().unified.empty();
}

/// What the successor of such a clone does: nobody is born in the cgroups of version 1.
[[noreturn]] void run_joined(const ExecOrders& orders) {
  const Cgroup* cgroup = orders.request->cgroup;
  if (cgroup != nullptr && !cgroup->record().legacy.empty()) ask_for_cgroup(orders.channel);
  run_inside(orders, {}, 0);
}

}  // namespace

base::Child start_exec(const ExecOrders& orders) {
  const ExecRequest& request = *orders.request;
  const unsigned namespaces = differing_namespaces(request);
  if (namespaces != 0 && only_joins(orders, namespaces)) {
    const JoinOrders join{.target = request.init_pidfd,
                          .namespaces = namespaces,
                          .cgroup = request.cgroup == nullptr ? -1 : request.cgroup->clone_fd(),
                          .kept = our_descriptors(orders)};
    auto child = try_start_inside(join, orders.channel, [&] { run_joined(orders); });
    if (child) return std::move(*child);
  }
  const bool has_initial = has_initial_affinity(request.process);
  std::function<void()> before_move;
  if (has_initial) before_move = [&] { set_initial_affinity(request.process); };
  return start_clone(
      0, request.cgroup, orders.channel, *orders.parents_end,
      [&] {
        if (has_initial && request.cgroup == nullptr) set_initial_affinity(request.process);
        join_and_continue(orders, namespaces);
      },
      before_move);
}

}  // namespace runtime
