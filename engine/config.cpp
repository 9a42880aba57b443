#include "engine/config.hpp"

#include <cstdlib>
#include <filesystem>
#include <limits>
#include <unistd.h>

#include "base/error.hpp"
#include "base/host_file.hpp"
#include "base/text.hpp"
#include "engine/config_files.hpp"
#include "engine/duration.hpp"
#include "engine/toml_file.hpp"
#include "storage/overlay.hpp"
#include "storage/place.hpp"

namespace engine {
namespace {

constexpr std::size_t max_config_bytes = 4 * 1024 * 1024;
constexpr const char* administrators_seccomp = "/etc/containers/seccomp.json";

std::string absolute(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

// podman's drivers, in our words. "overlay" is podman's name for native overlay and fuse-overlayfs alike, so from a
// shared file or variable it means what we do anyway: choose by trying.
std::string driver_in_our_words(Config& config, const std::string& name, const std::string& what) {
  if (name.empty() || name == "overlay" || name == "overlay2") return {};
  if (name == "vfs") return "copy";
  if (name == "fuse-overlayfs" || name == "copy") return name;
  config.notes.push_back(base::concat(what, ": storage driver ", base::quoted(name), " is not supported; ignored"));
  return {};
}

void apply_network(Config& config, const std::string& netns, const std::string& what) {
  if (netns == "host" || netns == "none") {
    config.default_network = netns;
  } else if (netns.empty() || netns == "private" || netns == "bridge" || netns == "slirp4netns" || netns == "pasta") {
    config.default_network = "private";
    if (netns == "slirp4netns" || netns == "pasta") config.network_helper = netns;
  } else {
    config.notes.push_back(base::concat(what, ": netns ", base::quoted(netns), " is not supported; ignored"));
  }
}

/// Source: containers.conf(5) retry, retry_delay.
void apply_retries(Config& config, const TomlFile& file, const std::string& what) {
  if (const auto count = file.integer("engine.retry")) {
    if (*count < 0 || *count > 1000)
      throw base::make_error(base::ErrorKind::invalid_argument, what, ": retry is not a number from 0 to 1000");
    config.retries = static_cast<unsigned>(*count);
  }
  if (const auto delay = file.string("engine.retry_delay"); delay && !delay->empty()) {
    config.network.retry_delay = parse_duration(*delay);
    if (!config.network.retry_delay)
      throw base::make_error(base::ErrorKind::invalid_argument, what, ": retry_delay ", base::quoted(*delay),
                             " is not a duration");
  }
}

using Apply = void (*)(Config&, std::string_view, const std::string&);

void apply_files(Config& config, const std::vector<std::string>& files, Apply apply) {
  for (const std::string& file : files) {
    if (const std::optional<std::string> text = base::try_read_host_file(file, max_config_bytes)) {
      apply(config, *text, file);
    }
  }
}

void choose_places(Config& config, const GlobalOptions& options, const rootless::HostFacts& host) {
  config.root = options.root.empty() ? host.data_dir + "/engine" : absolute(options.root);
  config.run = options.runroot.empty() ? host.run_dir + "/engine" : absolute(options.runroot);
}

/// Source: containers.conf(5) image_copy_tmp_dir, TMPDIR.
void choose_spool(Config& config) {
  if (config.spool.folder == "storage") config.spool.folder = config.root;
  if (const auto folder = rootless::environment("TMPDIR"); folder && folder->starts_with('/'))
    config.spool.folder = *folder;
  config.spool.max_bytes = config.unpack_limits.max_unpacked_bytes;
  config.spool.max_ratio = config.unpack_limits.max_ratio;
  config.spool.ratio_after_bytes = config.unpack_limits.ratio_after_bytes;
  config.spool.min_free_bytes = config.unpack_limits.min_free_bytes;
}

/// As storage.conf has it, "$HOME" stands for the user's folder. Source: containers-storage.conf(5).
std::string with_home(std::string path, const std::string& home) {
  constexpr std::string_view variable = "$HOME";
  if (path.starts_with(variable)) path.replace(0, variable.size(), home);
  return path;
}

/// Those of the command line replace those of the file. Source: containers-storage.conf(5), podman(1) --storage-opt.
void choose_shared_stores(Config& config, const GlobalOptions& options, const rootless::HostFacts& host) {
  std::vector<std::string> asked;
  for (const std::string& option : options.storage_options)
    for (const std::string_view prefix :
         {"additionalimagestore=", "overlay.additionalimagestore=", "vfs.additionalimagestore="})
      if (option.starts_with(prefix))
        for (const std::string_view path : base::split(std::string_view{option}.substr(prefix.size()), ','))
          asked.emplace_back(path);
  if (!asked.empty()) config.shared_stores = std::move(asked);
  for (std::string& path : config.shared_stores) path = with_home(std::move(path), host.home);
  std::erase(config.shared_stores, "");
}

/// Containers in the run folder, which a reboot empties; images where they are anyway. Source: podman(1)
/// --transient-store.
void make_transient(Config& config, const GlobalOptions& options, const std::string& image_store) {
  const std::string containers = config.run + storage::transient_folder;
  const std::string images = image_store.empty() ? config.root : image_store;
  config.root = options.is_about_images ? images : containers;
  (options.is_about_images ? config.container_store : config.image_store) =
      options.is_about_images ? containers : images;
}

/// Source: podman(1) --imagestore.
void choose_image_store(Config& config, const GlobalOptions& options) {
  const std::string image_store = options.image_store.empty() ? "" : absolute(options.image_store);
  if (options.is_transient) return make_transient(config, options, image_store);
  if (image_store.empty()) return;
  if (image_store == config.root) return;
  if (options.is_about_images) {
    config.container_store = std::exchange(config.root, image_store);
  } else {
    config.image_store = image_store;
  }
}

void choose_driver(Config& config, const GlobalOptions& options) {
  if (!options.storage_driver.empty()) {
    config.storage_driver = options.storage_driver == "vfs" ? "copy" : options.storage_driver;
    storage::parse_driver(config.storage_driver);
  } else if (const std::optional<std::string> name = rootless::environment("STORAGE_DRIVER"); name && !name->empty()) {
    config.storage_driver = driver_in_our_words(config, *name, "STORAGE_DRIVER");
  }
}

}  // namespace

namespace {

/// A size below zero is podman's word for no limit.
void apply_log(Config& config, const TomlFile& file, const std::string& what) {
  constexpr std::int64_t least_bytes = 8192;  // Source: containers.conf(5) log_size_max
  config.log_driver = file.string("containers.log_driver").value_or(config.log_driver);
  config.log_tag = file.string("containers.log_tag").value_or(config.log_tag);
  const auto bytes = file.integer("containers.log_size_max");
  if (bytes && *bytes >= 0 && *bytes < least_bytes)
    throw base::make_error(base::ErrorKind::invalid_argument, what, ": log_size_max is ", *bytes,
                           ", and neither at least ", least_bytes, " nor negative, which is no limit");
  if (bytes) config.log_max_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(*bytes, 0));
}

}  // namespace

namespace {

/// What they say is looked at where a container is made. Source: containers.conf(5) cgroup_manager, cgroups,
/// pids_limit, cgroup_conf.
void apply_cgroups(Config& config, const TomlFile& file) {
  config.cgroup_manager = file.string("engine.cgroup_manager").value_or(config.cgroup_manager);
  config.default_cgroups = file.string("containers.cgroups").value_or(config.default_cgroups);
  if (const auto count = file.integer("containers.pids_limit")) config.pids_limit = std::max<std::int64_t>(*count, 0);
  if (const auto settings = file.strings("containers.cgroup_conf")) config.cgroup_conf = *settings;
}

}  // namespace

namespace {

/// Source: containers.conf(5) runtime, [engine.runtimes].
void apply_runtimes(Config& config, const TomlFile& file) {
  config.runtime = file.string("engine.runtime").value_or(config.runtime);
  constexpr std::string_view table = "engine.runtimes.";
  for (const std::string& key : file.keys())
    if (key.starts_with(table))
      if (const auto places = file.strings(key)) config.runtimes[key.substr(table.size())] = *places;
}

}  // namespace

namespace {

/// A number that stands in quotes would count for nothing. @throws Error as podman does.
void check_numbers(const TomlFile& file, const std::string& what) {
  for (const char* key : {"containers.pids_limit", "containers.log_size_max", "containers.oom_score_adj",
                          "engine.stop_timeout", "engine.retry", "engine.image_parallel_copies", "engine.num_locks"})
    if (const auto shown = file.shown(key); shown && !file.integer(key))
      throw base::make_error(base::ErrorKind::invalid_argument, what, ": ", key, " is ", *shown,
                             ", which is no number");
}

}  // namespace

namespace {

/// Source: containers.conf(5) events_logger, events_logfile_max_size.
void apply_events(Config& config, const TomlFile& file, const std::string& what) {
  constexpr const char* size_key = "engine.events_logfile_max_size";
  config.events_logger = base::to_lower(file.string("engine.events_logger").value_or(config.events_logger));
  const auto shown = file.shown(size_key);
  if (!shown || file.string(size_key) == "") return;
  const auto words = file.texts(size_key);
  const auto bytes = words && words->size() == 1 ? base::parse_size(words->front()) : std::nullopt;
  if (!bytes)
    throw base::make_error(base::ErrorKind::invalid_argument, what, ": events_logfile_max_size is ", *shown,
                           ", which is no size")
        .with_hint("such as \"1m\"; 0: the log is never rotated");
  config.events_max_bytes = *bytes;
}

/// What we have no use for, and podman refuses all the same. Source: containers.conf(5)
/// network_backend, num_locks.
void check_unused(const TomlFile& file, const std::string& what) {
  const auto backend = file.shown("network.network_backend");
  if (backend && *backend != "\"\"" && *backend != "\"cni\"" && *backend != "\"netavark\"")
    throw base::make_error(base::ErrorKind::invalid_argument, what, ": network_backend is ", *backend,
                           ", and neither cni nor netavark");
  const auto locks = file.integer("engine.num_locks");
  if (locks && (*locks < 1 || *locks > std::numeric_limits<std::uint32_t>::max()))
    throw base::make_error(base::ErrorKind::invalid_argument, what, ": num_locks is ", *locks,
                           ", which is no number of locks");
}

}  // namespace

void apply_containers_conf(Config& config, std::string_view text, const std::string& what) {
  const TomlFile file = TomlFile::parse(without_comments(text), what);
  check_numbers(file, what);
  check_unused(file, what);
  config.detach_keys = file.string("engine.detach_keys").value_or(config.detach_keys);
  apply_events(config, file, what);
  config.seccomp_profile = file.string("containers.seccomp_profile").value_or(config.seccomp_profile);
  if (const auto seconds = file.integer("engine.stop_timeout")) {
    if (*seconds < 0 || *seconds > std::numeric_limits<int>::max()) {
      throw base::make_error(base::ErrorKind::invalid_argument, what, ": stop_timeout is not a number of seconds");
    }
    config.stop_timeout_seconds = static_cast<unsigned>(*seconds);
  }
  apply_retries(config, file, what);
  apply_cgroups(config, file);
  apply_runtimes(config, file);
  apply_log(config, file, what);
  apply_container_defaults(config.defaults, file, what);
  config.spool.folder = file.string("engine.image_copy_tmp_dir").value_or(config.spool.folder);
  if (const auto variables = file.strings("engine.env")) config.environment = *variables;
  config.default_userns = file.string("containers.userns").value_or(config.default_userns);
  if (const auto helper = file.string("network.default_rootless_network_cmd"))
    if (*helper == "slirp4netns" || *helper == "pasta") config.network_helper = *helper;
  if (const auto netns = file.string("containers.netns")) apply_network(config, *netns, what);
}

void apply_storage_conf(Config& config, std::string_view text, const std::string& what) {
  if (!mentions(text, {"driver", "graphroot", "runroot", "rootless_storage_path", "additionalimagestores"})) return;
  const TomlFile file = TomlFile::parse(text, what);
  if (const auto driver = file.string("storage.driver")) {
    config.storage_driver = driver_in_our_words(config, *driver, what);
  }
  if (const auto stores = file.strings("storage.options.additionalimagestores")) config.shared_stores = *stores;
  for (const std::string key : {"graphroot", "runroot", "rootless_storage_path"}) {
    if (file.string("storage." + key)) {
      config.notes.push_back(base::concat(what, ": ", key, " names podman's store and is ignored; use --root"));
    }
  }
}

std::vector<std::string> find_auth_files(const rootless::HostFacts& host, const std::string& login_dir) {
  if (!login_dir.empty()) return {absolute(login_dir) + "/config.json"};
  if (const auto only = rootless::environment("REGISTRY_AUTH_FILE"); only && !only->empty()) return {*only};
  // The run folder may be one of ours in /tmp, which other tools do not know; theirs is /run/containers/UID then.
  const bool is_shared = host.run_dir.find("engine-run-") == std::string::npos && host.uid != 0;
  const std::string volatile_file =
      is_shared ? host.run_dir + "/containers/auth.json" : base::concat("/run/containers/", host.uid, "/auth.json");
  const auto docker = rootless::environment("DOCKER_CONFIG");
  const std::string docker_folder = docker && !docker->empty() ? *docker : host.home + "/.docker";
  return {volatile_file, host.config_dir + "/containers/auth.json", docker_folder + "/config.json",
          host.home + "/.dockercfg"};
}

namespace {

/// What podman's users chose at a prompt; it comes before every alias of the files.
/// Source: containers-registries.conf(5) "SHORT-NAME ALIASING".
std::string alias_cache(const rootless::HostFacts& host) {
  return host.cache_dir + "/containers/short-name-aliases.conf";
}

/// Proxies of containers.conf [engine] env, where the environment says nothing: libcurl reads them from there.
void set_proxies(const Config& config) {
  for (const std::string& variable : config.environment) {
    const auto pair = base::split_once(variable, '=');
    if (!pair) continue;
    const std::string name{pair->first}, lower = base::to_lower(pair->first);
    for (const std::string_view proxy : {"http_proxy", "https_proxy", "all_proxy", "no_proxy"})
      if (lower == proxy) ::setenv(name.c_str(), std::string{pair->second}.c_str(), 0);
  }
}

}  // namespace

void find_configured_helpers(rootless::HostFacts& host, const Config& config) {
  const auto find = [&](std::string& program, const char* name) {
    for (const std::string& folder : config.defaults.helper_dirs) {
      const std::string path = base::concat(folder, "/", name);
      if (!folder.starts_with('/') || ::access(path.c_str(), X_OK) != 0) continue;
      program = path;
      return;
    }
  };
  find(host.slirp4netns, "slirp4netns");
  find(host.pasta, "pasta");
}

Config config_for_containers(const Config& config) {
  Config other = config;
  if (config.container_store.empty()) return other;
  other.image_store = std::exchange(other.root, config.container_store);
  other.container_store.clear();
  return other;
}

Config config_for_images(const Config& config) {
  Config other = config;
  if (config.image_store.empty()) return other;
  other.container_store = std::exchange(other.root, config.image_store);
  other.image_store.clear();
  return other;
}

Config load_config(const GlobalOptions& options, const rootless::HostFacts& host) {
  Config config;
  const ConfigFolders folders = config_folders(host);
  // As with podman, a user's containers have none unless hooks_dir says so.
  if (host.uid == 0) config.defaults.hooks_dirs = {"/usr/share/containers/oci/hooks.d", "/etc/containers/oci/hooks.d"};
  apply_files(config, find_config_files_by_environment("storage", folders), apply_storage_conf);
  config.containers_conf = find_config_files_by_environment("containers", folders);
  for (const std::string& module : options.modules) config.modules.push_back(find_config_module(module, folders));
  config.containers_conf.insert(config.containers_conf.end(), config.modules.begin(), config.modules.end());
  apply_files(config, config.containers_conf, apply_containers_conf);
  apply_files(config, find_config_files_by_environment("engine", folders), apply_engine_conf);
  config.build = options.build;
  if (!options.events_backend.empty()) config.events_logger = options.events_backend;
  use_cdi_folders(config.defaults, options.cdi_spec_dirs);
  if (!options.hooks_dirs.empty()) config.defaults.hooks_dirs = options.hooks_dirs;
  if (!options.cgroup_manager.empty()) config.cgroup_manager = options.cgroup_manager;
  if (!options.runtime.empty()) config.runtime = options.runtime;
  config.runtime_flags = options.runtime_flags;
  choose_places(config, options, host);
  choose_shared_stores(config, options, host);
  choose_image_store(config, options);
  choose_driver(config, options);
  choose_spool(config);
  if (config.seccomp_profile.empty() && ::access(administrators_seccomp, R_OK) == 0) {
    config.seccomp_profile = administrators_seccomp;
  }
  config.registries_conf = find_config_files_by_environment("registries", folders);
  if (const std::string aliases = alias_cache(host); ::access(aliases.c_str(), R_OK) == 0)
    config.registries_conf.push_back(aliases);
  set_proxies(config);
  if (!options.login_dir.empty()) config.login_dir = absolute(options.login_dir);
  config.auth_files = find_auth_files(host, config.login_dir);
  config.certs_dirs = {folders.user + "/certs.d", "/etc/containers/certs.d", "/etc/docker/certs.d"};
  return config;
}

}  // namespace engine
