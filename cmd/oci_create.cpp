#include "cmd/oci_create.hpp"

#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/process_identity.hpp"
#include "cmd/oci_destroy.hpp"
#include "cmd/oci_exec_defaults.hpp"
#include "cmd/oci_notify.hpp"
#include "cmd/oci_processes.hpp"
#include "engine/oci_id_maps.hpp"
#include "runtime/annotations.hpp"

namespace cmd {
namespace {

using base::ErrorKind;
using base::make_error;

OciState new_state(const OciBundle& bundle, const std::string& id) {
  const std::string& root = bundle.spec.root_path;
  OciState state;
  state.id = id;
  state.oci_version = bundle.spec.oci_version;
  state.bundle = bundle.path;
  state.is_creating = true;
  state.maker = base::identify_or_none(::getpid());
  state.created = base::format_rfc3339(base::now());
  state.owner = ::geteuid();
  state.rootfs = root.starts_with('/') ? root : base::concat(bundle.path, '/', root);
  state.annotations = bundle.spec.annotations;
  if (bundle.spec.has_process) {
    state.command = bundle.spec.process.args.front();
    state.cwd = bundle.spec.process.cwd;
  }
  state.has_poststart = !bundle.spec.hooks.poststart.empty();
  state.has_poststop = !bundle.spec.hooks.poststop.empty();
  return state;
}

/// Sockets of systemd keep their meaning inside. Source: sd_listen_fds(3).
void pass_listen_fds(runtime::Process& process) {
  const unsigned count = engine::oci_listen_fds();
  if (count == 0) return;
  process.env.push_back(base::concat("LISTEN_FDS=", count));
  process.env.emplace_back("LISTEN_PID=1");
}

LockedContainer take_id(const std::string& root, const OciBundle& bundle, const std::string& id,
                        const runtime::CgroupRecord& planned) {
  check_oci_id(id);
  discard_unfinished(root, id);
  OciState state = new_state(bundle, id);
  state.cgroup = planned;
  return make_oci_folder(root, std::move(state), bundle.json);
}

}  // namespace

OciCreation::OciCreation(const OciGlobals& globals, const OciWords& words, OciBundle from)
    : request{.spec = bundle_.spec, .bundle = from.path, .rootfs = std::nullopt},
      root_(globals.root),
      bundle_(std::move(from)) {
  const std::string& id = words.words.front();
  runtime::CgroupRequest wanted = cgroup_request(globals, bundle_, id);
  runtime::check_resources(wanted.resources_json);
  wanted.scope_made = [this](const runtime::CgroupRecord& record) { save_cgroup(record); };
  cgroup_plan_ = runtime::plan_cgroup(std::move(wanted));
  request.preserved_fds = preserved_descriptors(words);
  for_exec_ = exec_part(bundle_.spec);
  pass_listen_fds(bundle_.spec.process);
  request.no_pivot = words.has("no-pivot");
  request.new_keyring = !words.has("no-new-keyring");
  if (!bundle_.spec.linux.seccomp_json.empty()) seccomp_cache_ = engine::oci_seccomp_cache();
  request.seccomp_cache_dir = seccomp_cache_.get();
  request.hooks_for = &hook_container_;
  request.write_id_maps = [this](pid_t pid, int proc_pid_fd) {
    engine::write_spec_id_maps(bundle_.spec, pid, proc_pid_fd);
  };
  if (bundle_.spec.linux.intel_rdt) resctrl_ = runtime::resctrl_root();
  locked_ = take_id(root_, bundle_, id, cgroup_plan_.record);
  hook_container_ = hook_container(locked_->container.state);
}

OciCreation::~OciCreation() {
  take_back();
}

void OciCreation::give_notify_socket() {
  add_notify_socket(bundle_.spec, dir());
}

void OciCreation::make_rdt_group() {
  if (resctrl_.empty()) return;
  OciState& state = locked_->container.state;
  const runtime::IntelRdt& rdt = *bundle_.spec.linux.intel_rdt;
  state.rdt = runtime::plan_rdt_group(rdt, state.id, resctrl_);
  save_oci_state(locked_->container);
  runtime::make_rdt_group(rdt, state.rdt, resctrl_);
}

void OciCreation::make_cgroup() {
  make_rdt_group();
  cgroup_ = runtime::Cgroup::make(cgroup_plan_);
  // Processes of others would be limited, frozen and killed with ours.
  if (!cgroup_->processes().empty()) {
    cgroup_.reset();
    throw make_error(ErrorKind::in_use, "the cgroup for container ", base::quoted(cgroup_plan_.request.container_id),
                     " has processes already")
        .with_hint("linux.cgroupsPath must name one that no other container has");
  }
  // Also before a process is in it: whoever cleans up after us must find it.
  save_cgroup(cgroup_->record());
}

void OciCreation::save_cgroup(const runtime::CgroupRecord& record) {
  locked_->container.state.cgroup = record;
  save_oci_state(locked_->container);
}

void OciCreation::adopt(pid_t pid) {
  OciContainer container;
  container.state.process = base::identify_or_none(pid);
  for (const pid_t process : container_processes(container)) cgroup_->add(process);
}

void OciCreation::take_back() noexcept {
  if (!locked_) return;
  try {
    LockedContainer locked = std::move(*locked_);
    locked_.reset();
    if (cgroup_) locked.container.state.cgroup = cgroup_->record();
    destroy_oci_container(root_, std::move(locked));
  } catch (const base::Error& error) {
    base::log(base::LogLevel::warn, "something of the container stays: ", error.message());
  } catch (...) {
    base::log(base::LogLevel::warn, "something of the container stays: out of memory");
  }
}

runtime::CreatedInit OciCreation::create() {
  make_cgroup();
  request.cgroup = cgroup_.get();
  return runtime::create(request);
}

void OciCreation::save_created(const OciWords& words, pid_t pid) {
  OciState& state = locked_->container.state;
  state.process = base::identify_or_none(pid);
  cgroup_->enter_delegated();
  runtime::add_to_rdt_group(state.rdt, pid);
  state.cgroup = cgroup_->record();
  if (const auto file = words.value("pid-file")) write_pid_file(*file, pid);
  if (const std::string* socket = runtime::find_annotation(bundle_.spec.annotations, "run.oci.pidfd_receiver"))
    send_pidfd(*socket, base::open_process(state.process));
  state.is_creating = false;
  save_oci_state(locked_->container);
}

void OciCreation::keep_for_exec() {
  if (request.compiled_seccomp) save_exec_defaults(dir(), for_exec_, *request.compiled_seccomp);
}

void OciCreation::publish(const OciWords& words, pid_t pid) {
  save_created(words, pid);
  keep_for_exec();
  locked_.reset();
}

runtime::CreatedInit OciCreation::create_waiting() {
  const base::UniqueFd start = open_fifo(dir(), start_fifo);
  request.start_fd = start.get();
  return create();
}

void OciCreation::publish_running(const OciWords& words, runtime::CreatedInit& init) {
  save_created(words, init.process.pid());
  if (!answer_start(dir(), start_byte))
    throw make_error(ErrorKind::internal, "the container's process has ended before it was started");
  base::unlink_file(dir(), start_fifo);
  base::unlink_file(dir(), report_fifo);
  keep_for_exec();
  runtime::wait_for_exec(init);
  locked_.reset();
}

int oci_create(const OciGlobals& globals, const OciWords& words) {
  OciBundle bundle = read_oci_bundle(words);
  const bool has_terminal = bundle.spec.process.terminal;
  check_console(words, has_terminal);
  OciCreation creation{globals, words, std::move(bundle)};
  creation.give_notify_socket();
  const base::UniqueFd start = open_fifo(creation.dir(), start_fifo);
  const base::UniqueFd report = open_fifo(creation.dir(), report_fifo);
  creation.request.start_fd = start.get();
  creation.request.report_fd = report.get();
  runtime::CreatedInit init = creation.create();
  if (init.terminal) send_console(*words.value("console-socket"), init.terminal.get());
  creation.publish(words, init.process.pid());
  static_cast<void>(init.process.detach());
  return 0;
}

}  // namespace cmd
