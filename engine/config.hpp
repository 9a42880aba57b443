#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/container_defaults.hpp"
#include "registry/network_limits.hpp"
#include "registry/spool_place.hpp"
#include "rootless/host_facts.hpp"
#include "storage/unpack_limits.hpp"

namespace engine {

/// Global options of the command line (before the command's name).
struct GlobalOptions {
  std::string root;                          ///< --root; empty: default
  std::string runroot;                       ///< --runroot
  std::string storage_driver;                ///< --storage-driver overlay|fuse-overlayfs|copy; empty: by trying
  std::string log_level;                     ///< --log-level debug|info|warn|error; --debug
  std::vector<std::string> storage_options;  ///< --storage-opt additionalimagestore=DIRECTORY; others are podman's.
  std::string cgroup_manager;                ///< --cgroup-manager systemd|cgroupfs
  std::string image_store;                   ///< --imagestore DIRECTORY
  std::string runtime;                       ///< --runtime NAME|PATH of new containers
  std::vector<std::string> runtime_flags;    ///< --runtime-flag
  std::vector<std::string> modules;          ///< --module NAME|PATH: more files of containers.conf
  std::vector<std::string> hooks_dirs;       ///< --hooks-dir DIRECTORY
  std::vector<std::string> cdi_spec_dirs;    ///< --cdi-spec-dir DIRECTORY
  std::string events_backend;                ///< --events-backend file|journald|none
  std::string login_dir;                     ///< --config DIRECTORY, whose config.json has the credentials
  bool is_transient = false;                 ///< --transient-store: containers are kept in the run folder.
  bool is_about_images = false;              ///< The command works on the images of `image_store`, if there is one.
  std::string build;  ///< Of this executable; told to those that we execute, so that builds are never mixed.
};

/// [mode] of engine.conf: lower rungs that are forced, and what must not be one.
struct ModeConfig {
  bool single_id = false;            ///< ids = "single"
  bool root_emulation = true;        ///< Of containers with a single id.
  std::vector<std::string> without;  ///< Namespaces that are not made; engine/namespace_choice.hpp.
  std::vector<std::string> require;  ///< Of containers that do not say: --require.
};

/// Defaults, files, environment and flags, merged once (podman 6 order).
struct Config {
  std::string root;                        ///< Absolute path of the store.
  std::string run;                         ///< Absolute path of the run folder.
  std::string storage_driver;              ///< Empty: choose by trying.
  std::string build;                       ///< As in GlobalOptions.
  std::string image_store;                 ///< Another store of ours, with the images; empty: they are in `root`.
  std::string container_store;             ///< `root` is that other store, and this one has the containers.
  std::vector<std::string> shared_stores;  ///< Absolute paths of stores that are only read.
  bool keep_blobs = true;                  ///< Compressed layers stay in the store.
  /// A first start with other ids waits until layers of fewer entries than these were made for them.
  std::uint64_t wait_below_entries = 10'000;
  storage::UnpackLimits unpack_limits;
  ModeConfig mode;
  unsigned retries = 3;  ///< Of requests to a registry.
  registry::NetworkLimits network;
  registry::SpoolPlace spool;            ///< For load, import and what else must be read at any place.
  std::vector<std::string> environment;  ///< containers.conf [engine] env: "HTTPS_PROXY=…", for what we do ourselves.
  std::string detach_keys = "ctrl-p,ctrl-q";
  unsigned stop_timeout_seconds = 10;
  std::string events_logger = "file";         ///< file|none
  std::uint64_t events_max_bytes = 1 << 20;   ///< After which their log is rotated; 0: never.
  std::string log_driver = "k8s-file";        ///< Of containers that do not say.
  std::uint64_t log_max_bytes = 16ULL << 20;  ///< 0: no limit.
  std::string log_tag;
  std::string cgroup_manager;                ///< systemd|cgroupfs; empty: what the host has.
  std::string default_cgroups = "enabled";   ///< enabled|disabled|no-conmon|split
  std::int64_t pids_limit = 0;               ///< Of containers that do not say; 0: none.
  std::vector<std::string> cgroup_conf;      ///< The same: "memory.high=1073741824".
  std::string seccomp_profile;               ///< Path; empty: the built-in one; "unconfined".
  std::string default_network = "private";   ///< private|host|none
  std::string network_helper;                ///< slirp4netns|pasta, of containers.conf; empty: whichever there is
  std::string default_userns;                ///< containers.conf "userns": what --userns would say; empty: host
  std::vector<std::string> containers_conf;  ///< Files that were read, lowest priority first.
  std::vector<std::string> modules;          ///< Those of them that --module named.
  std::string login_dir;                     ///< Absolute path of --config; empty: none was given.
  std::vector<std::string> registries_conf;  ///< Files that exist, lowest priority first.
  std::vector<std::string> auth_files;       ///< In the order in which they are asked; `login` writes the first.
  std::vector<std::string> certs_dirs;       ///< Asked in this order.
  std::string runtime;                       ///< OCI runtime of new containers, name or path; empty: the built-in one.
  std::vector<std::string> runtime_flags;    ///< Global options for it, without their "--".
  /// [engine.runtimes]: where a runtime of that name is looked for.
  std::map<std::string, std::vector<std::string>> runtimes;
  ContainerDefaults defaults;      ///< Of new containers.
  std::vector<std::string> notes;  ///< What we read and do not follow, for `info`.
};

/// One text of containers.conf or storage.conf, laid over what `config` says already. `what` names it in errors.
void apply_containers_conf(Config& config, std::string_view text, const std::string& what);
void apply_storage_conf(Config& config, std::string_view text, const std::string& what);

/// engine.conf, which is ours alone: what it has and we do not know is an error. engine-pull(1) describes it.
/// @throws Error invalid_argument, for a value that is out of range, too.
void apply_engine_conf(Config& config, std::string_view text, const std::string& what);

/// Where credentials are looked for. Source: containers-auth.json(5).
/// @param login_dir  Of --config, whose file is the only one; empty: none was given.
std::vector<std::string> find_auth_files(const rootless::HostFacts& host, const std::string& login_dir = {});

/// slirp4netns and pasta, where helper_binaries_dir of containers.conf has them. newuidmap is never looked for there.
void find_configured_helpers(rootless::HostFacts& host, const Config& config);

/// For a command on images that must look at the containers: as if it were one on containers.
Config config_for_containers(const Config& config);
/// For a command on containers that is about both stores: as if it were one on images.
Config config_for_images(const Config& config);

/// @throws Error invalid_argument for a storage driver that does not exist or a file that is not TOML.
Config load_config(const GlobalOptions& options, const rootless::HostFacts& host);

}  // namespace engine
