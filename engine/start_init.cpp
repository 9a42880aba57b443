#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/process_identity.hpp"
#include "base/scope_exit.hpp"
#include "engine/after_end.hpp"
#include "engine/chroot_mode.hpp"
#include "engine/container_cgroup.hpp"
#include "engine/container_ids.hpp"
#include "engine/container_secrets.hpp"
#include "engine/events.hpp"
#include "engine/external_runtime_start.hpp"
#include "engine/fuse_overlayfs.hpp"
#include "engine/health.hpp"
#include "engine/host_datagrams.hpp"
#include "engine/init_program.hpp"
#include "engine/initialized.hpp"
#include "engine/joined_namespaces.hpp"
#include "engine/joined_user_namespace.hpp"
#include "engine/late_layers.hpp"
#include "engine/launch.hpp"
#include "engine/mapped_root.hpp"
#include "engine/network.hpp"
#include "engine/notify.hpp"
#include "engine/requirements.hpp"
#include "engine/socket_activation.hpp"
#include "engine/start_cgroup.hpp"
#include "engine/upper.hpp"
#include "rootless/network.hpp"
#include "rootless/user_namespace.hpp"
#include "storage/layout.hpp"
#include "storage/overlay.hpp"

namespace engine {

using base::concat;

namespace {

/// Where compiled filters are kept; empty when there is no such place, which only costs time.
base::UniqueFd open_seccomp_cache(const rootless::HostFacts& host) {
  try {
    return base::make_directories(AT_FDCWD, concat(host.cache_dir, "/engine/seccomp"));
  } catch (const base::Error& error) {
    base::log(base::LogLevel::debug, "compiled seccomp filters are not kept: ", error.message());
    return {};
  }
}

std::optional<base::RootfsMount> plan(const Launch& launch) {
  const storage::ContainerRecord& record = launch.record;
  if (record.has_plain_root()) return std::nullopt;
  storage::RootfsRequest request = rootfs_request(launch.engine, launch.container, record);
  // Not request.read_only: mount points that the image lacks are made first; the spec makes the root read-only at the
  // end.
  request.volatile_upper = record.auto_remove;
  return storage::plan_rootfs(launch.engine.store(), request);
}

/// With only_initialize the note in `alive` says "running": `start` cannot write it, as the monitor holds that file.
void record_running(const Launch& launch, const base::FileLock& alive, pid_t pid) {
  const base::FileLock lock = storage::lock_container(launch.container);
  storage::ContainerState state;
  state.status = "running";
  state.process = base::identify_or_none(pid);
  state.boot_id = launch.engine.host.boot_id;
  state.monitor_pid = ::getpid();
  state.started = base::format_rfc3339(base::now());
  storage::note_start(alive, state);
  if (launch.only_initialize) {
    state.status = "initialized";
    state.started.clear();
  }
  storage::write_state(launch.container, lock, state);
  const Watch watch = read_watch(launch.container);
  write_pid_files(watch, pid, ::getpid());
  begin_health(launch.container, watch);
  note_container_event(launch.engine, launch.record, "init");
  if (!launch.only_initialize) note_container_event(launch.engine, launch.record, "start");
}

/// The monitor writes over this file and renames it: how a container ended is recorded on a full disk, too.
/// Source: runtime/stub/monitor.c, record_exit.
void prepare_exit_file(int container) {
  constexpr std::size_t most_bytes = 64;
  base::unlink_file(container, "exit");
  const base::UniqueFd fd{::openat(container, ".exit", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!fd && errno == ENOENT)
    throw base::make_error(base::ErrorKind::not_found, "the container was removed while it was being started");
  if (!fd) throw base::os_error("creating the container's exit file");
  base::with_context([&] { base::write_all(fd.get(), std::string(most_bytes, ' ')); },
                     "preparing the container's exit file");
}

/// Those of CDI files.
bool has_hooks(const runtime::Hooks& hooks) {
  return !(hooks.prestart.empty() && hooks.create_runtime.empty() && hooks.create_container.empty() &&
           hooks.start_container.empty() && hooks.poststart.empty());
}

std::string folder_of(const Launch& launch) {
  return concat(launch.engine.store().root_path(), "/", storage::layout::container(launch.record.id));
}

/// What config.json does not have: secrets that are variables, and namespaces of containers that run by now.
struct CompletedSpec {
  std::optional<runtime::Spec> changed;
  HeldNamespaces namespaces;  ///< Open as long as `changed` is used.
};

CompletedSpec complete_spec(const Launch& launch) {
  CompletedSpec completed;
  std::vector<std::string> env = launch.spec.process.env;
  add_secret_variables(launch.container, env);
  const bool joins = joins_container(launch.spec);
  check_user_namespace(launch.engine, launch.spec, launch.record.name);
  auto network = open_joined_network(launch.engine, launch.record.network);
  const std::vector<std::string>& groups = launch.record.group_add;
  const bool has_notify_socket = !notify_socket().empty() && passes_notify_socket(read_watch(launch.container));
  tell_of_sockets(env, launch.sockets, launch.spec, launch.record.init);
  const bool keeps_groups = std::find(groups.begin(), groups.end(), "keep-groups") != groups.end();
  if (!joins && !network && !keeps_groups && !has_notify_socket && env == launch.spec.process.env) return completed;
  completed.changed = launch.spec;
  completed.changed->process.user.keeps_groups = keeps_groups;
  completed.changed->process.env = std::move(env);
  if (has_notify_socket) add_notify_socket(*completed.changed, folder_of(launch));
  if (joins) completed.namespaces = open_joined_namespaces(launch.engine, *completed.changed);
  if (network) {
    join_network(*completed.changed, *network);
    completed.namespaces.all.push_back(std::move(network->network));
    completed.namespaces.all.push_back(std::move(network->user));
  }
  return completed;
}

/// Called with init's pid while it waits.
void start_network(const Launch& launch, StartedInit& started, pid_t pid, int ports_lock) {
  const rootless::NetworkOptions options = network_options(launch.engine, launch.record);
  rootless::check_host_ports(options.ports);
  rootless::UserNetwork network = rootless::start_user_network(pid, ports_lock, options, launch.engine.host);
  started.network_exit = std::move(network.exit_fd);
  const bool is_pasta = network.name == "pasta";
  started.helpers.push_back(std::move(network.helper));
  // It goes on when its container has ended, and can be bound to the life of no process: the namespace that it joins
  // takes PR_SET_PDEATHSIG away.
  if (is_pasta) started.helpers.push_back(watch_pasta(pid, started.helpers.back().pidfd(), ports_lock));
  if (base::Child relay = start_host_datagrams(pid, network.name, options, ports_lock))
    started.helpers.push_back(std::move(relay));
}

/// What the process has from its start on.
void add_process(const Launch& launch, const Stdio& stdio, runtime::CreateRequest& request) {
  request.stdin_fd = stdio.in;
  request.stdout_fd = stdio.out;
  request.stderr_fd = stdio.err;
  request.preserved_fds = descriptors_to_pass(launch.sockets.count + launch.preserve_fds, launch.preserve_fd);
  request.tiny_init = launch.record.init && !has_init_program(request.spec);
}

/// What an earlier run left goes, and what this one leaves has a place.
void prepare_folder(const Launch& launch, const base::FileLock& alive, const runtime::Spec& spec,
                    const rootless::IdMap& id_map) {
  finish_life(launch.engine, launch.container, alive);
  expect_end(launch.engine, launch.container, spec);
  prepare_secrets(launch.engine, launch.container, id_map);
  storage::forget_start(alive);
  remove_container_cgroup(launch.container);
  prepare_exit_file(launch.container.dir.get());
}

/// Whether the container is to have the user namespace that was begun with the command.
bool wants_early_one(const Launch& launch, const runtime::Spec& spec, const rootless::IdMap& id_map) {
  const auto& early = launch.engine.early_user_namespace;
  const std::vector<runtime::Namespace>& all = spec.linux.namespaces;
  const auto is_joined_or_time = [](const runtime::Namespace& one) { return !one.path.empty() || one.type == "time"; };
  return early && id_map == early->map() && launch.record.runtime.empty() && runtime::has_namespace(spec, "user") &&
         std::none_of(all.begin(), all.end(), is_joined_or_time);
}

/// `launch`, `id_map` and `request` stay where they are until init has been created.
void add_ids(const Launch& launch, const rootless::IdMap& id_map, runtime::CreateRequest& request) {
  auto& early = launch.engine.early_user_namespace;
  if (wants_early_one(launch, request.spec, id_map)) request.user_namespace = early->await_namespace();
  request.write_id_maps = [&](pid_t pid, int proc_pid_fd) {
    if (request.user_namespace >= 0) return early->await_ids();
    rootless::write_id_maps(pid, proc_pid_fd, id_map, launch.engine.host);
  };
}

}  // namespace

StartedInit start_init(const Launch& launch, const base::FileLock& alive, const Stdio& stdio, bool die_with_parent) {
  const rootless::IdMap id_map = id_map_of(launch.engine, launch.record, launch.spec);
  auto undo = base::on_scope_exit([&] {  // when all have ended
    finish_life(launch.engine, launch.container, alive);
    remove_container_cgroup(launch.container);
  });
  StartedInit started;
  const rootless::HostFacts& host = launch.engine.host;
  const base::UniqueFd cache = launch.spec.linux.seccomp_json.empty() ? base::UniqueFd{} : open_seccomp_cache(host);
  const CompletedSpec completed = complete_spec(launch);
  const runtime::Spec& spec = completed.changed ? *completed.changed : launch.spec;
  prepare_folder(launch, alive, spec, id_map);
  runtime::CreateRequest request{
      .spec = spec,
      .bundle = concat(launch.engine.store().root_path(), "/", storage::layout::container(launch.record.id)),
      .rootfs = plan(launch)};
  add_ids(launch, id_map, request);
  const base::UniqueFd mapped_root = map_root(launch.record, id_map);
  request.mapped_root = mapped_root.get();
  if (request.rootfs)
    request.given_to_root = entries_for_root(launch.engine, launch.container, *request.rootfs, id_map);
  const auto ports = lock_ports(launch.container, launch.record);
  if (rootless::is_user_network(launch.record.network))
    request.set_up_network = [&](pid_t pid) { start_network(launch, started, pid, ports ? ports->fd() : -1); };
  request.serve_fuse = [&](int fuse_fd, pid_t pid) {
    started.helpers.push_back(request.rootfs->served_lowers
                                  ? serve_lowers(launch.engine, *request.rootfs, fuse_fd)
                                  : serve_fuse_overlayfs(launch.engine, *request.rootfs, fuse_fd, pid));
  };
  const runtime::HookContainer hooked{spec.oci_version, launch.record.id, request.bundle, spec.annotations};
  if (has_hooks(spec.hooks)) request.hooks_for = &hooked;
  request.shm_owner = completed.namespaces.shm_owner.get();
  request.die_with_parent = die_with_parent;
  request.links_mtab = true;
  add_process(launch, stdio, request);
  check_chroot_start(launch.engine, spec);
  request.chroot_only = is_chroot_spec(spec);
  const auto cgroup = start_cgroup(launch.engine, launch.container, launch.record, spec);
  request.cgroup = cgroup.get();
  request.seccomp_cache_dir = cache.get();
  std::optional<StartGate> gate;
  if (launch.only_initialize) {
    gate = make_start_gate(launch.container);
    request.start_fd = gate->start.get();
    request.report_fd = gate->report.get();
  }
  const bool is_external = !launch.record.runtime.empty();
  const base::UniqueFd nothing = is_external ? fill_gaps(request.preserved_fds) : base::UniqueFd{};
  started.init = is_external ? create_externally(launch, request, id_map) : runtime::create(request);
  if (cgroup) started.oom_count = note_started_cgroup(launch.container, *cgroup);
  if (!gate && !is_external) runtime::wait_for_exec(started.init);
  if (!spec.hooks.poststart.empty() && !is_external)
    runtime::run_hooks(spec.hooks.poststart, "poststart", hook_state(hooked, started.init.process.pid(), "running"));
  record_running(launch, alive, started.init.process.pid());
  undo.cancel();
  if (request.rootfs && request.rootfs->served_lowers) make_layers_later(launch.engine, recorded_layers(launch.record));
  return started;
}

}  // namespace engine
