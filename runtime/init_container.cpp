#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/mount.hpp"
#include "runtime/chroot_files.hpp"
#include "runtime/executable.hpp"
#include "runtime/hooks.hpp"
#include "runtime/init.hpp"
#include "runtime/init_setup.hpp"
#include "runtime/kernel.hpp"
#include "runtime/masks.hpp"
#include "runtime/mounts.hpp"
#include "runtime/rootfs.hpp"
#include "runtime/seccomp_agent.hpp"
#include "runtime/shared_memory.hpp"
#include "runtime/stage.hpp"
#include "runtime/sync.hpp"
#include "runtime/sysctl.hpp"
#include "runtime/terminal.hpp"

// From the clone to the exec of the last stage. The order matters twice: what needs no mapped ids is done while the
// parent waits for newuidmap, and nothing of the container is visible before it is complete.

namespace runtime {
namespace {

using base::UniqueFd;

/// Namespaces that only a process's children are in, or in which it needs another's rights; made at the clone.
constexpr unsigned made_by_clone = CLONE_NEWUSER | CLONE_NEWPID;

/// What was opened in the host's view, before the ids were mapped.
struct HostParts {
  RootfsSource rootfs;
  UniqueFd mount_point;  ///< Of the bundle's root file system, while hooks shall see it there.
  std::vector<PreparedMount> mounts;
  HostDevices devices;
};

/// The tree that becomes "/", and the parts of it that are still needed.
struct Tree {
  UniqueFd root;
  MountedTrees mounted;
  Terminal terminal;
};

void give_to_root(int entry) {
  if (::fchownat(entry, "", 0, 0, AT_EMPTY_PATH) != 0)
    throw base::os_error("giving the container's root what is in its upper directory");
}

class Init {
 public:
  explicit Init(const InitOrders& orders)
      : orders_(orders), request_(*orders.request), spec_(orders.request->spec), plan_(*orders.plan) {}

  // In the clone, or in its successor when enter_first_then_run came before.
  void run() {
    start();
    if (request_.chroot_only) run_in_chroot();
    // A mount namespace to join is entered last: until then the host's paths are needed, in a copy that is ours.
    if (!has_entered_) join_namespaces(orders_.joined, ~static_cast<unsigned>(CLONE_NEWNS));
    create_namespaces((plan_.namespaces.created & ~(made_by_clone | CLONE_NEWTIME)) | CLONE_NEWNS);
    separate_mounts(plan_.keeps_host_propagation);
    HostParts parts = open_host_parts();
    take_ids();
    for (const UniqueFd& entry : request_.given_to_root) give_to_root(entry.get());
    Tree tree = build(parts);
    set_host_names(plan_.namespaces.owns(CLONE_NEWUTS) ? spec_.hostname : "",
                   plan_.namespaces.owns(CLONE_NEWUTS) ? spec_.domainname : "");
    run_early_hooks();
    // After the hooks, which may write there: a cache of libraries, for example.
    if (spec_.root_readonly) base::set_attributes(tree.root.get(), MOUNT_ATTR_RDONLY, 0, false);
    enter(tree);
    finish(std::move(tree.terminal));
  }

  // For what must be entered before init proper exists: a user or pid namespace to join, whatever is joined with the
  // rights that we have outside of a new user namespace, and a new time namespace.
  void enter_first_then_run() {
    const unsigned created = plan_.namespaces.created;
    set_dumpable(true);  // still outside: nobody in there can see us
    if (spec_.process.oom_score_adj && joins_processes()) set_oom_score(*spec_.process.oom_score_adj);
    UniqueFd offsets;
    if (!spec_.linux.time_offsets.empty()) offsets = open_time_offsets();
    set_dumpable(false);
    join_namespaces(orders_.joined, ~static_cast<unsigned>(CLONE_NEWNS));
    create_namespaces(created & (CLONE_NEWUSER | CLONE_NEWTIME));
    if (offsets) write_time_offsets(offsets, spec_.linux.time_offsets);
    has_entered_ = true;
    continue_in_successor(created & CLONE_NEWPID, orders_.channel, [this](pid_t) { run(); });
  }

 private:
  [[noreturn]] void run_in_chroot() {
    set_dumpable(false);
    if (has_early_hooks())
      throw base::make_error(base::ErrorKind::unsupported, "hooks are not run for a container that is only a chroot");
    const UniqueFd root = request_.rootfs ? std::move(reopen_rootfs(*request_.rootfs).lowers.at(0))
                                          : base::open_directory(AT_FDCWD, rootfs_path());
    fill_chroot(root.get(), spec_);
    Terminal terminal;
    if (spec_.process.terminal) terminal = open_sized_terminal(-1);
    make_working_directory(root.get(), process_);
    may_set_groups_ = become_container_root(false);
    chroot_into(root.get());
    finish(std::move(terminal));
  }

  bool joins_processes() const { return plan_.namespaces.joins(CLONE_NEWUSER) || plan_.namespaces.joins(CLONE_NEWPID); }
  bool has_early_hooks() const {
    const Hooks& hooks = spec_.hooks;
    return request_.hooks_for != nullptr &&
           !(hooks.prestart.empty() && hooks.create_runtime.empty() && hooks.create_container.empty());
  }
  bool is_mapped_later() const { return plan_.namespaces.creates(CLONE_NEWUSER); }
  bool waits_for_network() const {
    return (request_.set_up_network && plan_.namespaces.creates(CLONE_NEWNET)) || !spec_.linux.net_devices.empty();
  }

  void start() {
    // First of all, so that the parent's helpers for the id maps work while we do what needs no ids.
    // Our own files in /proc are ours only when we are dumpable; who joined others' processes never is.
    if (!joins_processes()) set_dumpable(true);
    if (is_mapped_later()) send_sync(orders_.channel, Sync::map_ids_please);
    keep_only_our_descriptors();
    set_usual_umask();
    if (request_.die_with_parent) die_with_parent();
    if (spec_.process.oom_score_adj && !joins_processes()) set_oom_score(*spec_.process.oom_score_adj);
    if (wants_label(spec_.process)) label_ = find_exec_label(spec_.process, true);
    if (orders_.seccomp_agent) outer_pid_ = own_pid_outside();
  }

  void keep_only_our_descriptors() {
    std::vector<int> kept = {orders_.stage_executable.get(),
                             orders_.report.get(),
                             orders_.channel.fd(),
                             request_.stdin_fd,
                             request_.stdout_fd,
                             request_.stderr_fd,
                             request_.start_fd,
                             request_.shm_owner,
                             request_.mapped_root,
                             orders_.seccomp_agent.get()};
    kept.insert(kept.end(), request_.preserved_fds.begin(), request_.preserved_fds.end());
    for (const OpenNamespace& entry : orders_.joined) kept.push_back(entry.fd.get());
    for (const UniqueFd& source : orders_.mapped_sources) kept.push_back(source.get());
    if (request_.rootfs) {
      for (const UniqueFd& lower : request_.rootfs->lowers) kept.push_back(lower.get());
      kept.push_back(request_.rootfs->upper.get());
      kept.push_back(request_.rootfs->work.get());
    }
    for (const UniqueFd& entry : request_.given_to_root) kept.push_back(entry.get());
    close_all_but(std::move(kept));
  }

  HostParts open_host_parts() {
    HostParts parts;
    if (request_.rootfs)
      parts.rootfs = reopen_rootfs(*request_.rootfs);
    else
      parts.rootfs = open_rootfs(rootfs_path());
    if (has_early_hooks() && !request_.rootfs) parts.mount_point = base::open_directory(AT_FDCWD, rootfs_path());
    parts.mounts = prepare_mounts(plan_, orders_.mapped_sources);
    if (request_.shm_owner >= 0) share_memory(parts.mounts, request_.shm_owner);
    parts.devices = clone_host_devices(spec_.linux.devices);
    return parts;
  }

  std::string rootfs_path() const {
    return spec_.root_path.front() == '/' ? spec_.root_path : base::concat(request_.bundle, '/', spec_.root_path);
  }

  void take_ids() {
    if (is_mapped_later()) {
      ignored_signals_ = ignored_signals();  // the time for that is free here
      expect_sync(orders_.channel, Sync::ids_mapped);
    }
    may_set_groups_ = become_container_root(process_.user.keeps_groups);
    // Changed ids cleared the flag; helpers that join our namespaces still need it.
    const bool is_visited = waits_for_network() || is_fuse() || has_early_hooks();
    set_dumpable(is_visited && !joins_processes());
  }

  bool is_fuse() const {
    const auto& rootfs = request_.rootfs;
    return rootfs && (rootfs->driver == base::RootfsDriver::fuse_overlayfs || rootfs->served_lowers);
  }

  UniqueFd mount_root(const RootfsSource& source) {
    if (request_.mapped_root >= 0) return base::duplicate(request_.mapped_root);
    return base::with_context(
        [&] {
          return mount_rootfs(source, kernel_, [this](int fuse_fd) {
            send_sync(orders_.channel, Sync::serve_fuse, {}, {fuse_fd});
            expect_sync(orders_.channel, Sync::fuse_served);
          });
        },
        "mounting the root file system");
  }

  Tree build(HostParts& parts) {
    Tree tree;
    tree.root = mount_root(parts.rootfs);
    const int root = tree.root.get();
    // What another mount namespace made takes mounts only once it is attached in ours.
    if (request_.mapped_root >= 0) kernel_.assembles_detached = false;
    if (waits_for_network()) send_sync(orders_.channel, Sync::network_exists);
    if (plan_.namespaces.creates(CLONE_NEWNET)) bring_loopback_up();
    // Older kernels mount only below what is attached; the mount namespace is ours alone either way.
    if (!kernel_.assembles_detached) attach(root, parts);
    if (!kernel_.sets_attributes && parts.rootfs.read_only) base::set_attributes(root, MOUNT_ATTR_RDONLY, 0, false);
    if (request_.links_mtab) link_mtab(root, {});
    tree.mounted = mount_all(root, parts.mounts, plan_, parts.devices,
                             {.kernel = kernel_, .attach = [&] { attach(root, parts); }});
    make_other_devices(root, parts.devices);
    if (spec_.process.terminal) tree.terminal = open_container_terminal(tree);
    if (!spec_.linux.sysctl.empty()) write_sysctls(tree.mounted.proc.get(), spec_.linux.sysctl);
    make_working_directory(root, process_);
    mask_paths(root, spec_.linux.masked_paths, parts.devices.null());
    protect_paths(root, spec_.linux.readonly_paths);
    if (kernel_.assembles_detached) attach(root, parts);
    return tree;
  }

  // Hooks find the container's tree where the bundle has it, and "/" is what it was to them; without hooks it may as
  // well cover "/".
  void attach(int root, const HostParts& parts) const {
    if (parts.mount_point)
      base::attach(root, parts.mount_point.get());
    else
      base::attach_at(root, AT_FDCWD, "/");
  }

  void run_early_hooks() {
    if (!has_early_hooks()) return;
    wait_for_network();
    send_sync(orders_.channel, Sync::built);
    expect_sync(orders_.channel, Sync::hooks_ran);
    run_hooks(spec_.hooks.create_container, "createContainer", hook_state(*request_.hooks_for, ::getpid(), "creating"));
  }

  void wait_for_network() {
    if (!waits_for_network() || is_network_up_) return;
    expect_sync(orders_.channel, Sync::network_up);
    is_network_up_ = true;
  }

  Terminal open_sized_terminal(int devpts) {
    Terminal terminal = open_terminal(devpts);
    const ConsoleSize& size = spec_.process.console_size;
    if (size.height != 0 || size.width != 0) set_window_size(terminal.master.get(), {size.height, size.width});
    set_terminal_owner(terminal.slave.get(), spec_.process.user.uid);
    return terminal;
  }

  Terminal open_container_terminal(const Tree& tree) {
    Terminal terminal = open_sized_terminal(tree.mounted.devpts ? tree.mounted.devpts.get() : -1);
    if (tree.mounted.dev && tree.mounted.devpts) bind_console(tree.mounted.dev.get(), terminal.slave.get());
    return terminal;
  }

  void enter(const Tree& tree) {
    const int root = tree.root.get();
    base::with_context(
        [&] {
          if (plan_.namespaces.joins(CLONE_NEWNS))
            join_mount_namespace(root);
          else if (request_.no_pivot)
            chroot_into(root);
          else
            base::pivot_into(root);
        },
        "entering the root file system");
    if (plan_.root_propagation != 0 && plan_.namespaces.creates(CLONE_NEWNS))
      base::set_propagation(root, plan_.root_propagation, plan_.recursive_root_propagation);
  }

  // A namespace of others keeps its root and gets none of our mounts. The tree becomes one that belongs to no namespace
  // and ends with the last of the container's processes.
  void join_mount_namespace(int root) {
    const UniqueFd tree = base::clone_tree(root, "", true);
    join_namespaces(orders_.joined, CLONE_NEWNS);
    chroot_into(tree.get());
  }

  [[noreturn]] void finish(Terminal terminal) {
    wait_for_network();
    set_dumpable(false);
    std::vector<int> handed_over;
    if (terminal.master) handed_over.push_back(terminal.master.get());
    const StagePlan stage = make_stage();
    // A start hook may still bring the program.
    if (request_.start_fd >= 0 && spec_.has_process && spec_.hooks.start_container.empty()) check_executable(process_);
    send_sync(orders_.channel, Sync::created, {}, handed_over);
    terminal.master.reset();
    const int slave = terminal.slave.get();
    enter_stage(stage, {.stdin_fd = slave >= 0 ? slave : request_.stdin_fd,
                        .stdout_fd = slave >= 0 ? slave : request_.stdout_fd,
                        .stderr_fd = slave >= 0 ? slave : request_.stderr_fd,
                        .preserved = request_.preserved_fds,
                        .executable = orders_.stage_executable.get(),
                        .report = orders_.report.get(),
                        .start = request_.start_fd,
                        .label = label_.folder.get(),
                        .seccomp_agent = orders_.seccomp_agent.get()});
  }

  StagePlan make_stage() {
    process_.exec_cpu_affinity.reset();                       // "not applicable to the container's init process"
    if (!spec_.has_process) process_.args = {std::string{}};  // `start` refuses it; nobody can execute this
    StagePlan stage = plan_stage(process_, orders_.seccomp, may_set_groups_);
    add_linux_attributes(spec_.linux, stage);
    leave_out_unobtainable(stage.capabilities, own_capabilities());
    stage.tiny_init = request_.tiny_init;
    stage.new_keyring = request_.new_keyring;
    stage.die_with_parent = request_.die_with_parent;
    stage.label = label_.text;
    stage.label_file = label_.file;
    stage.ignored_signals = ignored_signals_;
    const HookContainer container = request_.hooks_for ? *request_.hooks_for : HookContainer{};
    if (!spec_.hooks.start_container.empty())
      add_start_hooks(spec_.hooks.start_container, hook_state(container, ::getpid(), "created"), stage);
    if (orders_.seccomp_agent) {
      stage.seccomp_state = seccomp_process_state(orders_.seccomp, hook_state(container, outer_pid_, "creating"));
      stage.seccomp_pid = outer_pid_;
    }
    return stage;
  }

  const InitOrders& orders_;
  const CreateRequest& request_;
  const Spec& spec_;
  const ContainerPlan& plan_;
  Process process_ = spec_.process;  ///< With what only the root file system tells.
  KernelFeatures kernel_ = running_kernel_features();
  ExecLabel label_;
  pid_t outer_pid_ = 0;  ///< Ours as the runtime sees it, when a seccomp agent is to be told.
  std::uint64_t ignored_signals_ = StagePlan{}.ignored_signals;
  bool may_set_groups_ = false;
  bool has_entered_ = false;  ///< Joined all but a mount namespace, in enter_first_then_run.
  bool is_network_up_ = false;
};

}  // namespace

base::Child start_init(const InitOrders& orders) {
  const NamespacePlan& namespaces = orders.plan->namespaces;
  const bool enters_first = namespaces.joins(CLONE_NEWUSER) || namespaces.joins(CLONE_NEWPID) ||
                            namespaces.creates(CLONE_NEWTIME) ||
                            (namespaces.creates(CLONE_NEWUSER) && !namespaces.joined.empty());
  unsigned flags = enters_first ? 0 : namespaces.created & made_by_clone;
  const int ready_made = orders.request->user_namespace;
  if (ready_made >= 0) {
    if (enters_first || !namespaces.creates(CLONE_NEWUSER))
      throw base::make_error(base::ErrorKind::internal, "a user namespace was made that the container does not want");
    flags &= ~static_cast<unsigned>(CLONE_NEWUSER);
  }
  const auto run = [&] {
    Init init{orders};
    if (enters_first)
      init.enter_first_then_run();
    else
      init.run();
  };
  return start_clone(flags, orders.request->cgroup, orders.channel, *orders.parents_end, run, {}, ready_made);
}

}  // namespace runtime
