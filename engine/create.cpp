#include "engine/create.hpp"

#include <algorithm>
#include <climits>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/scope_exit.hpp"
#include "engine/cidfile.hpp"
#include "engine/container_files.hpp"
#include "engine/container_ids.hpp"
#include "engine/container_secrets.hpp"
#include "engine/container_surroundings.hpp"
#include "engine/container_user.hpp"
#include "engine/dependents.hpp"
#include "engine/devices.hpp"
#include "engine/driver.hpp"
#include "engine/events.hpp"
#include "engine/hooks_dir.hpp"
#include "engine/id_variants.hpp"
#include "engine/image_for_run.hpp"
#include "engine/init_program.hpp"
#include "engine/inside.hpp"
#include "engine/joined_namespaces.hpp"
#include "engine/joined_user_namespace.hpp"
#include "engine/late_layers.hpp"
#include "engine/limits.hpp"
#include "engine/make_spec.hpp"
#include "engine/mapped_root.hpp"
#include "engine/mode.hpp"
#include "engine/names.hpp"
#include "engine/network.hpp"
#include "engine/new_record.hpp"
#include "engine/process_of_image.hpp"
#include "engine/remove_container.hpp"
#include "engine/requirements.hpp"
#include "engine/resolve_mounts.hpp"
#include "engine/start_cgroup.hpp"
#include "engine/upper.hpp"
#include "engine/verbs.hpp"
#include "engine/watch_words.hpp"
#include "runtime/seccomp.hpp"
#include "runtime/spec_linux.hpp"
#include "storage/overlay.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::size_t max_profile_bytes = 4 * 1024 * 1024;

std::string current_directory() {
  char buffer[PATH_MAX];
  if (::getcwd(buffer, sizeof buffer) == nullptr) throw base::os_error("looking up the current directory");
  return buffer;
}

std::vector<std::string> own_environment() {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) result.emplace_back(*entry);
  return result;
}

void check_hostname(const std::string& name) {
  constexpr std::size_t most_bytes = 64;  // __NEW_UTS_LEN
  // It becomes a line of the container's /etc/hosts.
  const bool has_blank = std::any_of(name.begin(), name.end(), [](char c) { return c >= 0 && (c <= ' ' || c == 127); });
  if (name.size() > most_bytes || has_blank)
    throw make_error(ErrorKind::invalid_argument, "--hostname ", quoted(name), " is ",
                     has_blank ? "not one word" : "longer than 64 bytes");
}

/// What can be told without looking at anything.
void check_options(const RunOptions& options) {
  check_surroundings(options);
  check_name_options(options);
  check_hostname(options.hostname);
  for (const std::string& word : options.sysctls)
    if (!base::split_once(word, '='))
      throw make_error(ErrorKind::invalid_argument, "--sysctl ", quoted(word), " is not NAME=VALUE");
  if (options.pid == "host" && options.init)
    throw make_error(ErrorKind::invalid_argument,
                     "--init needs a pid namespace of the container's own, not --pid host");
}

/// For root, what is not the container's own would be the host's.
void check_sysctls(const runtime::Linux& of) {
  for (const auto& [name, value] : of.sysctl)
    if (const std::string problem = runtime::sysctl_problem(of, name); !problem.empty())
      throw make_error(ErrorKind::invalid_argument, "--sysctl ", quoted(concat(name, "=", value)), ": ", quoted(name),
                       " ", problem, " of the container's own")
          .with_hint("a container sets net.*, fs.mqueue.*, kernel.msg* and kernel.shm*, where it does not share them");
}

std::string seccomp_json(const Engine& engine, const Security& security) {
  if (!security.seccomp) return {};
  const std::string& file = security.seccomp_file.empty() ? engine.config.seccomp_profile : security.seccomp_file;
  if (file.empty()) return runtime::default_profile_json(security.capabilities);
  const base::UniqueFd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening seccomp profile ", quoted(file));
  return base::with_context(
      [&] {
        return runtime::resolve_profile_json(base::read_to_end(fd.get(), max_profile_bytes), security.capabilities);
      },
      "seccomp profile ", quoted(file));
}

std::uint64_t size_of(const char* option, const std::string& text) {
  const auto bytes = base::parse_size(text);
  if (!bytes) throw make_error(ErrorKind::invalid_argument, option, " ", quoted(text), " is not a size like 64m");
  return *bytes;
}

runtime::Spec spec_for(Engine& engine, const RunOptions& options, const oci::ImageConfig& image,
                       const storage::ContainerRecord& record, const ContainerIds& ids, const ResolvedUser& user,
                       std::vector<MountWord> mounts, const Surroundings& around) {
  const Security security = resolve_security(options, engine.config.defaults.capabilities);
  SpecInputs in{.options = options, .security = security, .user = user, .around = around, .id_map = ids.map};
  in.host_has_mqueue = base::exists(AT_FDCWD, "/dev/mqueue");
  in.argv = record.command;
  in.env = container_environment(options, image, user, record.hostname, own_environment(),
                                 engine.config.defaults.environment)
               .assignments();
  in.default_sysctls = engine.config.defaults.sysctls;
  if (around.is_systemd) in.env.push_back(concat("container_uuid=", record.id.substr(0, 32)));
  in.work_dir = container_work_dir(options, image);
  in.hostname = record.hostname;
  in.network = record.network;
  in.mounts = std::move(mounts);
  in.files = container_file_mounts(engine, record, options);
  in.seccomp_json = seccomp_json(engine, security);
  if (record.has_plain_root()) in.root_path = record.rootfs;
  in.rlimits = container_limits(options.ulimits);
  Devices devices = find_devices(options);
  in.devices = std::move(devices.mounts);
  if (!options.shm_size.empty()) in.shm_bytes = size_of("--shm-size", options.shm_size);
  if (!options.shm_size_systemd.empty())
    in.systemd_tmpfs_bytes = size_of("--shm-size-systemd", options.shm_size_systemd);
  runtime::Spec spec = make_spec(in);
  check_sysctls(spec.linux);
  if (options.init && !options.init_path.empty()) add_init_program(spec, find_init_path(options.init_path));
  apply_mode(engine, options, ids.map, spec);
  apply_cdi_edits(spec, devices.edits);
  add_hooks_of_folders(engine.config.defaults.hooks_dirs,
                       {.annotations = spec.annotations,
                        .command = in.argv.empty() ? "" : in.argv.front(),
                        .has_volumes = !options.volumes.empty() || !options.mounts.empty()},
                       spec.hooks);
  return spec;
}

void replace_existing(Engine& engine, const RunOptions& options) {
  if (options.replace && options.name.empty()) throw make_error(ErrorKind::invalid_argument, "--replace needs --name");
  if (options.name.empty()) return;
  const bool is_taken = container_exists(engine, options.name);  // and no longer so by a container that was abandoned
  if (is_taken && options.replace)
    remove(engine, {.containers = {options.name}, .force = true, .ignore = true, .volumes = true});
}

/// A name that we chose ourselves and that is taken is replaced by another.
storage::BornContainer give_birth(Engine& engine, const storage::GcHold& hold, const RunOptions& options,
                                  storage::ContainerRecord& record, const std::string& config_json,
                                  const JoinedNamespaces& joined, const std::vector<std::string>& required) {
  if (joined.owner) note_dependent(engine, joined.owner->id, record.id);
  for (const std::string& id : required) note_dependent(engine, id, record.id);
  constexpr unsigned max_attempts = 16;
  for (unsigned attempt = 1;; ++attempt) {
    try {
      return storage::create_container(engine.store(), hold, record, config_json, !options.auto_remove);
    } catch (const base::Error& error) {
      const bool may_retry = options.name.empty() && attempt < max_attempts;
      if (error.kind() != ErrorKind::already_exists || !may_retry) throw;
    }
    record.name = random_container_name(attempt);
  }
}

/// An image mount needs the files themselves, and it may be one of the same image.
bool may_be_late(Engine& engine, const RunOptions& options, const ImageForRun& image, const ContainerIds& ids) {
  const LayersForIds layers{image.record.chain_ids, ids.variant, ids.map};
  const bool mounts_images = !options.volumes_from.empty() ||
                             std::any_of(options.mounts.begin(), options.mounts.end(), [](const std::string& words) {
                               return words.find("type=image") != std::string::npos;
                             });
  return !mounts_images && !has_all(engine, layers) && can_wait(engine, layers);
}

ContainerIds choose_ids(Engine& engine, const RunOptions& options, const std::string& network,
                        const std::optional<ImageForRun>& image) {
  if (auto ids = ids_of_network(engine, options, network)) return std::move(*ids);
  if (auto ids = ids_of_user_namespace(engine, options)) return std::move(*ids);
  return choose_container_ids(engine, options, image ? image->record.chain_ids : std::vector<base::Digest>{});
}

/// What lies beside the root file system, and who that belongs to.
void write_folder(Engine& engine, const storage::ContainerDir& dir, const storage::ContainerRecord& record,
                  const RunOptions& options, const ContainerUser& user, const ContainerIds& ids, const Watch& watch,
                  const std::vector<storage::ContainerSecret>& secrets) {
  write_container_files(engine, dir, record, options);
  write_user_files(engine, dir, record, user);
  write_watch(dir, watch);
  storage::write_container_secrets(engine.store(), dir, secrets);
  give_upper_to_root(engine, dir, record, ids);
  if (record.driver == "copy") run_inside(engine, {"prepare-copy", record.id});
}

Surroundings find_surroundings(Engine& engine, const RunOptions& options, const storage::ContainerRecord& record,
                               const JoinedNamespaces& joined, const std::vector<storage::ContainerSecret>& secrets) {
  Surroundings around = surroundings_of(options, record, joined);
  for (runtime::Mount& mount : secret_mounts(engine, record.id, secrets)) around.mounts.push_back(std::move(mount));
  return around;
}

void warn_of_single_id(const Engine& engine) {
  if (engine.host.id_map.single)
    base::log(base::LogLevel::warn, "single-id mode: every file and process has your own id (",
              engine.host.single_reason, ")");
}

/// What the container keeps from being removed.
void note_mounts(storage::ContainerRecord& record, const ResolvedMounts& mounts) {
  record.named_volumes = mounts.named_volumes;
  record.anonymous_volumes = mounts.anonymous_volumes;
  for (const ResolvedMounts::ImageMount& mounted : mounts.images)
    record.mounted_chain_ids.insert(record.mounted_chain_ids.end(), mounted.chain_ids.begin(), mounted.chain_ids.end());
}

/// --rootfs DIRECTORY is the root itself; DIRECTORY:O is below what the container writes; DIRECTORY:idmap is the root
/// itself with its ids mapped. Source: podman-run(1).
void choose_root(Engine& engine, const RunOptions& options, storage::ContainerRecord& record) {
  const bool is_overlay = options.image.ends_with(":O");
  if (options.rootfs) {
    std::string path = is_overlay ? options.image.substr(0, options.image.size() - 2) : options.image;
    if (!is_overlay) record.rootfs_id_map = take_id_map_option(path);
    record.rootfs = absolute_path("rootfs", path);
  }
  const bool is_plain = options.rootfs && !is_overlay;
  record.driver = is_plain ? storage::plain_root : std::string{storage::name_of(choose_driver(engine))};
  if (options.rootfs && record.driver == "copy")
    throw make_error(ErrorKind::unsupported, "--rootfs ", quoted(options.image),
                     ": neither overlay nor fuse-overlayfs works here")
        .with_hint(concat("engine doctor says why; without :O the container writes to ", record.rootfs, " itself"));
}

/// Before anything is made.
void check_mapped_root(const storage::ContainerRecord& record, const ContainerIds& ids) {
  if (record.rootfs_id_map.empty()) return;
  if (!record.runtime.empty())
    throw make_error(ErrorKind::unsupported, "--rootfs FOLDER:idmap is for the built-in runtime, not ",
                     quoted(record.runtime));
  map_root(record, ids.map);
}

NewContainer create_as_fitted(Engine& engine, const RunOptions& options, bool for_run) {
  check_options(options);
  const std::string resources = resources_of_new(engine.config, options);
  const std::string network = choose_network(engine, options);
  const JoinedNamespaces joined = namespaces_to_join(engine, options, network);
  warn_of_single_id(engine);
  CidFile cidfile{options.cidfile};
  std::optional<ImageForRun> image;
  oci::ImageConfig config;
  if (!options.rootfs) {
    image.emplace(find_or_pull(engine, options));
    config = storage::read_image_config(engine.store(), image->record);
  }
  warn_of_missing_network(engine, options, network);
  replace_existing(engine, options);
  ContainerIds ids = joined.owner ? ids_of_owner(engine, *joined.owner) : choose_ids(engine, options, network, image);
  if (image && !may_be_late(engine, options, *image, ids)) ensure_id_variants(engine, *image, ids);
  Watch watch = make_watch(options, config, engine.config);
  watch.required = find_required(engine, options.required);
  storage::ContainerRecord record = make_record(engine, options, config, network);
  note_ids(record, ids);
  record.only_for_run = for_run && options.auto_remove;
  if (image) add_image(record, *image);
  choose_root(engine, options, record);
  const std::string work_dir = current_directory();
  ResolvedMounts mounts = resolve_mounts(engine, options, config.volumes,
                                         {.container_id = record.id, .variant = record.variant, .work_dir = work_dir});
  note_mounts(record, mounts);
  auto undo_volumes = base::on_scope_exit([&] { remove_anonymous_volumes(engine, record); });
  const std::vector<storage::ContainerSecret> secrets = choose_secrets(engine, options, ids.map);
  const Surroundings around = find_surroundings(engine, options, record, joined, secrets);
  if (around.is_systemd && options.stop_signal.empty()) record.stop_signal = systemd_stop_signal();
  const ContainerUser user =
      find_container_user(engine, record, ids, options, mounts.mounts, container_work_dir(options, config));
  runtime::Spec spec = spec_for(engine, options, config, record, ids, user.user, mounts.mounts, around);
  spec.linux.resources_json = resources;
  check_mapped_root(record, ids);

  const storage::GcHold hold = image ? std::move(image->hold) : engine.store().hold_garbage();
  storage::BornContainer born =
      give_birth(engine, hold, options, record, runtime::write_spec(spec), joined, watch.required);
  undo_volumes.cancel();
  ids.reservation.reset();
  storage::ContainerDir dir = std::move(born.dir);
  std::optional<base::FileLock> alive = std::move(born.alive);
  auto undo = base::on_scope_exit([&] {
    alive.reset();
    discard_container(engine, dir, record);
  });
  write_folder(engine, dir, record, options, user, ids, watch, secrets);
  prepare_mounts(engine, record, mounts);
  if (!record.only_for_run) storage::finish_container(dir);
  if (!record.auto_remove) flush_container_files(dir);
  cidfile.write(record.id);
  undo.cancel();
  note_container_event(engine, record, "create");
  const bool is_external = !record.runtime.empty();
  return {std::move(dir), std::move(record), std::move(spec), std::move(alive),
          needs_monitor(options, watch) || is_external};
}

}  // namespace

NewContainer create_container(Engine& engine, const RunOptions& options, bool for_run) {
  check_events_logger(engine.config);
  if (!options.shm_size.empty() && (options.ipc == "host" || options.ipc == "none"))
    throw make_error(ErrorKind::invalid_argument, "--shm-size cannot be set with --ipc ", options.ipc);
  const std::optional<RunOptions> fitted = fit_to_mode(engine, options);
  return create_as_fitted(engine, fitted ? *fitted : options, for_run);
}

std::string create(Engine& engine, const RunOptions& options) {
  return create_container(engine, options, false).record.id;
}

}  // namespace engine
