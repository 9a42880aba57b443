#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "engine/context.hpp"
#include "engine/run_options.hpp"

// One function a verb. Results are structs; `cmd` renders them. Implemented in engine/<verb>.cpp.

namespace engine {

// ---- images -------------------------------------------------------------------------------------------------------
struct PullOptions {
  std::vector<std::string> images;
  bool quiet = false;
  bool all_tags = false;
  std::string platform;           ///< os/arch[/variant]; from --platform or --arch/--os/--variant
  std::string policy = "always";  ///< always|missing|never|newer
  std::optional<bool> tls_verify;
  std::string auth_file, creds, cert_dir;
  std::optional<unsigned> retries;  ///< Nothing: as the configuration says.
  std::string retry_delay;          ///< "2s"; empty: as the configuration says.
  bool dry_run = false;             ///< Says what would be fetched; nothing is written.
};
/// Only in engine-transfer. Returns the image id (64 hex) of each.
std::vector<std::string> pull(Engine& engine, const PullOptions& options);

struct ImageSummary {
  std::string id;      ///< 64 hex
  std::string digest;  ///< "sha256:…" of the manifest
  std::vector<std::string> names;
  std::vector<std::string> repo_digests;
  std::optional<base::Time> created;
  std::uint64_t size_bytes = 0;
  unsigned containers = 0;
  bool read_only = false;  ///< In a shared store.
  std::vector<std::pair<std::string, std::string>> labels;
};
/// @param with_details  Also labels and the number of containers, for which configs and records must be read.
std::vector<ImageSummary> images(Engine& engine, const std::string& name_filter, bool with_details = true);

struct RemovedImage {
  std::vector<std::string> untagged;
  std::vector<std::string> deleted;  ///< ids
};
struct RemoveImageOptions {
  std::vector<std::string> images;
  bool one_of_all = false;  ///< One turn of --all: goes with all its names; may have gone meanwhile.
  bool force = false;       ///< Removes containers that use it, too.
  bool ignore = false;
};
RemovedImage remove_images(Engine& engine, const RemoveImageOptions& options);
/// Ids of all images, as `remove_images` takes them.
std::vector<std::string> image_ids(Engine& engine);
bool image_exists(Engine& engine, const std::string& image);
/// Adds names to an image.
void tag(Engine& engine, const std::string& image, const std::vector<std::string>& names);
void untag(Engine& engine, const std::string& image, const std::vector<std::string>& names);

// ---- containers ---------------------------------------------------------------------------------------------------
/// Returns the id.
std::string create(Engine& engine, const RunOptions& options);
/// Exit code of the container, or 0 with --detach (the id is printed by the caller through `on_started`).
int run(Engine& engine, const RunOptions& options);

struct StartOptions {
  std::vector<std::string> containers;
  bool attach = false;
  bool interactive = false;
  bool one_of_all = false;  ///< One turn of --all: may have gone meanwhile.
  bool sig_proxy = true;
  std::optional<std::string> detach_keys;
};
/// Exit code of the attached container, else 0.
int start(Engine& engine, const StartOptions& options);

struct StopOptions {
  std::vector<std::string> containers;
  bool one_of_all = false;  ///< One turn of --all: what does not run, or has gone meanwhile, is passed over.
  bool ignore = false;
  std::optional<unsigned> timeout_seconds;
};
/// What the user named (ids or names) for each that is stopped now.
std::vector<std::string> stop(Engine& engine, const StopOptions& options);

struct KillOptions {
  std::vector<std::string> containers;
  bool one_of_all = false;  ///< As for stop.
  std::string signal = "KILL";
};
std::vector<std::string> kill(Engine& engine, const KillOptions& options);

struct RemoveOptions {
  std::vector<std::string> containers;
  bool force = false;
  bool ignore = false;
  bool volumes = false;
  std::optional<unsigned> timeout_seconds;
};
std::vector<std::string> remove(Engine& engine, const RemoveOptions& options);

struct WaitOptions {
  std::vector<std::string> containers;
  /// stopped (default), running, created, exited, removing, healthy, unhealthy
  std::vector<std::string> conditions;
  std::chrono::milliseconds interval{250};
  bool ignore = false;
};
std::vector<int> wait(Engine& engine, const WaitOptions& options);

struct LogsOptions {
  std::vector<std::string> containers;
  bool follow = false;
  bool timestamps = false;
  bool names = false;
  std::int64_t tail = -1;
  std::string since, until;
};
/// Writes to stdout and stderr as the container did.
void logs(Engine& engine, const LogsOptions& options);

struct ExecOptions {
  std::string container;
  std::string id;  ///< Of this process, as `inspect` lists it: 64 hexadecimal digits.
  std::vector<std::string> command;
  bool interactive = false;
  bool tty = false;
  bool detach = false;
  bool privileged = false;
  std::vector<std::string> env, env_files;
  std::string user, work_dir;
  std::optional<std::string> detach_keys;
  unsigned preserve_fds = 0;
  std::vector<std::string> preserve_fd;  ///< As RunOptions has it.
};
int exec(Engine& engine, const ExecOptions& options);

struct ContainerSummary {
  std::string id, name, image, image_id;
  std::vector<std::string> command;
  std::optional<base::Time> created, started, finished;
  std::string status;  ///< created running stopping exited removing unmonitored
  int exit_code = 0;
  int pid = 0;
  bool auto_remove = false;
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<std::string> mounts;
  std::string network;
  std::vector<std::string> ports;  ///< As recorded; engine/published_ports.hpp reads them.
  std::string health;              ///< While it runs: "", starting, healthy, unhealthy.
  std::string restart_policy;      ///< Only when a filter asks for it.
  bool starts_on_boot = false;     ///< The same.
};
struct ListOptions {
  bool all = false;
  int last = 0;                      ///< -n, -l
  std::vector<std::string> filters;  ///< "status=running"
};
std::vector<ContainerSummary> list_containers(Engine& engine, const ListOptions& options);
/// Ids of all containers: what --all means. Each is then a turn of its own, so that one failure stops no other.
std::vector<std::string> container_ids(Engine& engine);
bool container_exists(Engine& engine, const std::string& container);

/// JSON text (one object) in podman's shape; nothing when there is no such thing.
std::optional<std::string> inspect_container(Engine& engine, const std::string& name);
std::optional<std::string> inspect_image(Engine& engine, const std::string& name);
std::optional<std::string> inspect_volume(Engine& engine, const std::string& name);

// ---- host ---------------------------------------------------------------------------------------------------------
/// JSON text.
std::string info(Engine& engine);
/// Runs a command (default: the user's shell) as root of the mapped user namespace with a mount namespace of its own.
int unshare(Engine& engine, const std::vector<std::string>& command);

// ---- for our own processes ----------------------------------------------------------------------------------------
/// `engine _cleanup ID`: what the monitor executes after a --rm container ended.
int cleanup(Engine& engine, const std::string& id);
/// `engine _inside VERB …`: runs in a mapped user namespace (remove trees, copy driver); descriptor 3 is the channel.
int inside(Engine& engine, const std::vector<std::string>& words);
/// `engine-transfer _unpack`: the unpacking child (ARCHITECTURE.md 8.4). Only in engine-transfer.
int unpack_child(Engine& engine);

}  // namespace engine
