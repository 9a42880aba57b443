#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.hpp"
#include "base/lock.hpp"
#include "base/process_identity.hpp"
#include "storage/store.hpp"

namespace storage {

/// ContainerRecord::driver of a root file system that nothing is laid over.
constexpr const char* plain_root = "plain";

/// containers/<id>/record: what was asked for. Immutable but for the name.
struct ContainerRecord {
  std::string id;  ///< 64 hexadecimal digits.
  std::string name;
  std::string created;                 ///< RFC 3339.
  std::string image_name;              ///< As resolved: "docker.io/library/busybox:latest"; empty with --rootfs.
  std::string image_id;                ///< Hex of the config digest; empty with --rootfs.
  std::string manifest;                ///< Digest of the image's manifest; keeps the image from garbage collection.
  std::vector<std::string> chain_ids;  ///< Lowest first, as digests.
  std::string rootfs;                  ///< Absolute path of --rootfs; empty otherwise.
  std::string rootfs_id_map;           ///< The option idmap of --rootfs, as asked for; empty: none.
  std::string variant;                 ///< Id variant of the layers: "single", "user-<h>".
  std::string userns;                  ///< Its id map as asked for: "", "keep-id", "auto:size=2000"; "private": a map.
  std::vector<std::string> uid_map;    ///< "container id:host id:count", unless it is the caller's default map.
  std::vector<std::string> gid_map;
  std::string driver;                ///< "overlay", "fuse-overlayfs", "copy", "plain".
  std::vector<std::string> command;  ///< Full argv of the container's process.
  std::size_t entrypoint_words = 0;  ///< So many of its first words are the entrypoint.
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<std::string> anonymous_volumes;
  std::vector<std::string> named_volumes;
  std::vector<std::string> mounted_chain_ids;  ///< Layers of images that it mounts, as digests.
  std::string user;                            ///< As asked for: "", "1000", "app:staff".
  std::string network = "private";  ///< "none", "host", "private", "slirp4netns:…", "container:<id>", "ns:<path>", …
  std::vector<std::string> ports;   ///< Published ones: "ip:host:container:count/protocol"; engine/published_ports.hpp
  std::vector<std::string> exposed_ports;  ///< "80/tcp"
  bool publish_all = false;
  std::string hostname;
  std::string ipc;            ///< "private", "none", "host": nobody may have its shared memory; empty: others may.
  std::string cgroups;        ///< "disabled", "no-conmon", "split"; empty: as usual.
  std::string cgroup_parent;  ///< As asked for; limits are in config.json.
  bool auto_remove = false;
  bool only_for_run = false;  ///< Made by `run --rm`: once that command is dead, nobody will ever start it.
  bool tty = false;
  bool open_stdin = false;
  bool privileged = false;
  bool init = false;
  bool read_only = false;
  std::string log_driver = "k8s-file";
  int stop_signal = 15;
  unsigned stop_timeout_seconds = 10;
  std::string detach_keys = "ctrl-p,ctrl-q";
  // As the user wrote them, for inspect.
  std::vector<std::string> security_opt, add_hosts, group_add, dns, dns_search, dns_option;
  std::string cidfile;
  std::string create_command;  ///< JSON array of the words the user typed.
  std::string runtime;         ///< An OCI runtime that is not ours, by name or path; empty: the built-in one.
  std::vector<std::string> runtime_flags;  ///< Global options for it, without their "--".

  bool has_plain_root() const { return driver == plain_root; }
};

/// "created", "running", "stopping", "exited", "removing"; see engine/reconcile.hpp for the truth about "running".
struct ContainerState {
  std::string status = "created";
  base::ProcessIdentity process;  ///< Init; none when not running.
  std::string boot_id;
  pid_t monitor_pid = 0;
  std::string started;  ///< RFC 3339, empty: never.
  std::string finished;
  int exit_code = 0;
  bool oom_killed = false;
  std::string error;
  bool is_unfinished = false;  ///< Its maker has not come to the end; `status` is "created".
};

/// One container's folder, open.
struct ContainerDir {
  std::string id;
  base::UniqueFd dir;
};

/// A new container. Its maker holds `alive` until it starts the container or leaves it to others.
struct BornContainer {
  ContainerDir dir;
  base::FileLock alive;
};

/// Makes containers/<id>/ with the record and reserves the name. The folder appears complete or not at all.
/// `durable` false for --rm containers. @throws Error already_exists naming the container that has the name.
BornContainer create_container(const Store& store, const GcHold& hold, const ContainerRecord& record,
                               std::string_view config_json, bool durable);
/// What its maker puts beside the record is there. A container for which this was never called, because its maker was
/// killed, would not start; whoever meets it removes it. Followed by a flush where it has to last.
void finish_container(const ContainerDir& container);
/// By full id, name, or unique id prefix. @throws Error invalid_argument when ambiguous.
std::optional<ContainerDir> find_container(const Store& store, std::string_view text);
/// By full id only. @throws Error invalid_argument, when it is not an id.
std::optional<ContainerDir> open_container(const Store& store, const std::string& id);
/// Sorted. What a killed process left of containers it was making is removed on the way.
std::vector<std::string> list_container_ids(const Store& store);
/// All of them, open: one descriptor each. Where there may be very many, go through the ids.
std::vector<ContainerDir> list_containers(const Store& store);
ContainerRecord read_record(const ContainerDir& container);
/// Whether its record never reached the disk before the host went down: only a --rm container's is not flushed. Nobody
/// can use such a container, and it keeps nothing; read_record says that it is gone.
bool is_lost(const ContainerDir& container);
/// @throws Error not_found, when the container was removed meanwhile.
std::string read_config_json(const ContainerDir& container, std::size_t max_bytes);
/// Replaces it. `durable`: it is on the disk when this returns.
void write_config_json(const ContainerDir& container, const base::FileLock& container_lock, std::string_view json,
                       bool durable);
/// Where the file is missing or damaged, what note_start left in `alive`; "created" or "exited" where that is nothing.
ContainerState read_state(const ContainerDir& container);
/// Replaces the state, atomically for readers, without fsync.
void write_state(const ContainerDir& container, const base::FileLock& container_lock, const ContainerState& state);
/// Keeps the state of a container that has just been started in its lock file `alive` as well: with it a container can
/// be found and stopped although its state file is damaged.
void note_start(const base::FileLock& alive, const ContainerState& state);
/// Takes that note away: what ran before must not be mistaken for what is about to run.
void forget_start(const base::FileLock& alive);
/// The short lock for state changes. @throws Error not_found, when the container was removed meanwhile.
base::FileLock lock_container(const ContainerDir& container);
/// Whether keeper or monitor lives: somebody holds `alive`.
bool is_monitored(const ContainerDir& container);
/// For the keeper, or to remove it; nothing when another has it for longer than `patience`.
/// @throws Error not_found, when the container was removed meanwhile.
std::optional<base::FileLock> try_lock_alive(const ContainerDir& container,
                                             std::chrono::milliseconds patience = std::chrono::milliseconds{0});
/// Frees the name and moves the folder to trash, deleting what this process may.
void remove_container(const Store& store, const ContainerDir& container, const base::FileLock& container_lock);

}  // namespace storage
