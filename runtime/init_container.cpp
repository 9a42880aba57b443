#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/mount.hpp"
#include "base/path_in_root.hpp"
#include "runtime/home.hpp"
#include "runtime/init.hpp"
#include "runtime/init_setup.hpp"
#include "runtime/kernel.hpp"
#include "runtime/masks.hpp"
#include "runtime/mounts.hpp"
#include "runtime/rootfs.hpp"
#include "runtime/stage.hpp"
#include "runtime/sync.hpp"
#include "runtime/sysctl.hpp"
#include "runtime/terminal.hpp"

// From the clone to the exec of the last stage. The order matters twice: what needs no mapped ids is done while the
// parent waits for newuidmap, and nothing of the container is visible before it is complete.

namespace runtime {
namespace {

using base::UniqueFd;

/// What was opened in the host's view, before the ids were mapped.
struct HostParts {
  RootfsSource rootfs;
  std::vector<PreparedMount> mounts;
  HostDevices devices;
};

/// The tree that becomes "/", and the parts of it that are still needed.
struct Tree {
  UniqueFd root;
  MountedTrees mounted;
  Terminal terminal;
};

class Init {
 public:
  explicit Init(const InitOrders& orders)
      : orders_(orders), request_(*orders.request), spec_(orders.request->spec), plan_(*orders.plan) {}

  // In the clone, or in its successor when a user or pid namespace is joined.
  void run() {
    start();
    join_namespaces(orders_.joined, ~static_cast<unsigned>(CLONE_NEWUSER | CLONE_NEWPID));
    create_namespaces(plan_.namespaces.created & ~static_cast<unsigned>(CLONE_NEWUSER | CLONE_NEWPID));
    separate_mounts(plan_.keeps_host_propagation);
    HostParts parts = open_host_parts();
    take_ids();
    Tree tree = build(parts);
    set_host_names(plan_.namespaces.creates(CLONE_NEWUTS) ? spec_.hostname : "",
                   plan_.namespaces.creates(CLONE_NEWUTS) ? spec_.domainname : "");
    enter(tree);
    finish(std::move(tree.terminal));
  }

  void join_then_run() {
    if (spec_.process.oom_score_adj) {
      set_dumpable(true);  // still outside: nobody in there can see us
      set_oom_score(*spec_.process.oom_score_adj);
    }
    set_dumpable(false);
    join_namespaces(orders_.joined, CLONE_NEWUSER | CLONE_NEWPID);
    continue_in_successor(plan_.namespaces.created & static_cast<unsigned>(CLONE_NEWUSER | CLONE_NEWPID),
                          orders_.channel, [this] { run(); });
  }

 private:
  bool joins_processes() const { return plan_.namespaces.joins(CLONE_NEWUSER) || plan_.namespaces.joins(CLONE_NEWPID); }
  bool is_mapped_later() const { return plan_.namespaces.creates(CLONE_NEWUSER); }
  bool waits_for_network() const { return request_.set_up_network && plan_.namespaces.creates(CLONE_NEWNET); }

  void start() {
    // First of all, so that the parent's helpers for the id maps work while we do what needs no ids.
    // Our own files in /proc are ours only when we are dumpable; who joined others' processes never is.
    if (!joins_processes()) set_dumpable(true);
    if (is_mapped_later()) send_sync(orders_.channel, Sync::map_ids_please);
    keep_only_our_descriptors();
    set_usual_umask();
    if (request_.die_with_parent) die_with_parent();
    if (spec_.process.oom_score_adj && !joins_processes()) set_oom_score(*spec_.process.oom_score_adj);
    label_ = open_exec_label(spec_.process);
  }

  void keep_only_our_descriptors() {
    std::vector<int> kept = {orders_.stage_executable.get(),
                             orders_.report.get(),
                             orders_.channel.fd(),
                             request_.stdin_fd,
                             request_.stdout_fd,
                             request_.stderr_fd,
                             request_.start_fd};
    kept.insert(kept.end(), request_.preserved_fds.begin(), request_.preserved_fds.end());
    for (const OpenNamespace& entry : orders_.joined) kept.push_back(entry.fd.get());
    if (request_.rootfs) {
      for (const UniqueFd& lower : request_.rootfs->lowers) kept.push_back(lower.get());
      kept.push_back(request_.rootfs->upper.get());
      kept.push_back(request_.rootfs->work.get());
    }
    close_all_but(std::move(kept));
  }

  HostParts open_host_parts() {
    HostParts parts;
    if (request_.rootfs)
      parts.rootfs = reopen_rootfs(*request_.rootfs);
    else
      parts.rootfs = open_rootfs(spec_.root_path.front() == '/' ? spec_.root_path
                                                                : base::concat(request_.bundle, '/', spec_.root_path));
    parts.mounts = prepare_mounts(plan_);
    parts.devices = clone_host_devices(spec_.linux.devices);
    return parts;
  }

  void take_ids() {
    if (is_mapped_later()) expect_sync(orders_.channel, Sync::ids_mapped);
    may_set_groups_ = become_container_root();
    // Changed ids cleared the flag; helpers that join our namespaces still need it.
    const bool is_visited = waits_for_network() || is_fuse();
    set_dumpable(is_visited && !joins_processes());
  }

  bool is_fuse() const { return request_.rootfs && request_.rootfs->driver == base::RootfsDriver::fuse_overlayfs; }

  UniqueFd mount_root(const RootfsSource& source) {
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
    if (waits_for_network()) send_sync(orders_.channel, Sync::network_exists);
    if (plan_.namespaces.creates(CLONE_NEWNET)) bring_loopback_up();
    // Older kernels mount only below what is attached; the mount namespace is ours alone either way.
    if (!kernel_.assembles_detached) base::attach_at(root, AT_FDCWD, "/");
    tree.mounted = mount_all(root, parts.mounts, plan_, parts.devices);
    bind_other_devices(root, parts.devices);
    if (spec_.process.terminal) tree.terminal = open_container_terminal(tree);
    if (!spec_.linux.sysctl.empty()) write_sysctls(tree.mounted.proc.get(), spec_.linux.sysctl);
    make_working_directory(root);
    add_home(process_.env, root, process_.user.uid);
    mask_paths(root, spec_.linux.masked_paths, parts.devices.null());
    protect_paths(root, spec_.linux.readonly_paths);
    if (spec_.root_readonly) base::set_attributes(root, MOUNT_ATTR_RDONLY, 0, false);
    return tree;
  }

  Terminal open_container_terminal(const Tree& tree) {
    Terminal terminal = open_terminal(tree.mounted.devpts ? tree.mounted.devpts.get() : -1);
    const ConsoleSize& size = spec_.process.console_size;
    if (size.height != 0 || size.width != 0) set_window_size(terminal.master.get(), {size.height, size.width});
    set_terminal_owner(terminal.slave.get(), spec_.process.user.uid);
    if (tree.mounted.dev && tree.mounted.devpts) bind_console(tree.mounted.dev.get(), terminal.slave.get());
    return terminal;
  }

  // As every runtime does, since images name working directories that they do not contain.
  void make_working_directory(int root) {
    const std::string& path = spec_.process.cwd;
    if (base::try_open_in_root(root, path, O_PATH)) return;
    base::with_context(
        [&] {
          const base::MadeDirectory made = base::make_directories_in_root(root, path);
          // The process is to work in it, so it is the process's own, as podman has it.
          if (made.made && ::fchownat(made.fd.get(), "", process_.user.uid, process_.user.gid, AT_EMPTY_PATH) != 0)
            throw base::os_error("giving it to user ", process_.user.uid);
        },
        "making the working directory ", base::quoted(path));
  }

  void enter(const Tree& tree) {
    const int root = tree.root.get();
    base::with_context(
        [&] {
          if (kernel_.assembles_detached) base::attach_at(root, AT_FDCWD, "/");
          if (request_.no_pivot)
            chroot_into(root);
          else
            base::pivot_into(root);
        },
        "entering the root file system");
    if (plan_.root_propagation != 0)
      base::set_propagation(root, plan_.root_propagation, plan_.recursive_root_propagation);
  }

  static void chroot_into(int root) {
    if (::fchdir(root) != 0 || ::chroot(".") != 0 || ::chdir("/") != 0) throw base::os_error("changing the root");
  }

  [[noreturn]] void finish(Terminal terminal) {
    if (waits_for_network()) expect_sync(orders_.channel, Sync::network_up);
    set_dumpable(false);
    std::vector<int> handed_over;
    if (terminal.master) handed_over.push_back(terminal.master.get());
    StagePlan stage = plan_stage(process_, orders_.seccomp, may_set_groups_);
    stage.tiny_init = request_.tiny_init;
    stage.die_with_parent = request_.die_with_parent;
    stage.label = label_.text;
    send_sync(orders_.channel, Sync::created, {}, handed_over);
    terminal.master.reset();
    const int slave = terminal.slave.get();
    if (slave < 0) give_pipes_to(process_.user.uid, {request_.stdin_fd, request_.stdout_fd, request_.stderr_fd});
    enter_stage(stage, {.stdin_fd = slave >= 0 ? slave : request_.stdin_fd,
                        .stdout_fd = slave >= 0 ? slave : request_.stdout_fd,
                        .stderr_fd = slave >= 0 ? slave : request_.stderr_fd,
                        .preserved = request_.preserved_fds,
                        .executable = orders_.stage_executable.get(),
                        .report = orders_.report.get(),
                        .start = request_.start_fd,
                        .label = label_.fd.get()});
  }

  const InitOrders& orders_;
  const CreateRequest& request_;
  const Spec& spec_;
  const ContainerPlan& plan_;
  Process process_ = spec_.process;  ///< With what only the root file system tells.
  KernelFeatures kernel_ = running_kernel_features();
  ExecLabel label_;
  bool may_set_groups_ = false;
};

}  // namespace

base::Child start_init(const InitOrders& orders) {
  const NamespacePlan& namespaces = orders.plan->namespaces;
  const bool joins_first = namespaces.joins(CLONE_NEWUSER) || namespaces.joins(CLONE_NEWPID);
  const unsigned flags = joins_first ? 0 : namespaces.created & static_cast<unsigned>(CLONE_NEWUSER | CLONE_NEWPID);
  return start_clone(flags, orders.channel, [&] {
    Init init{orders};
    if (joins_first)
      init.join_then_run();
    else
      init.run();
  });
}

}  // namespace runtime
