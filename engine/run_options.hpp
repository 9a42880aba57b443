#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/resource_limits.hpp"

namespace engine {

/// --health-*, as typed; empty: not given. Durations as "30s"; engine/watch_words.cpp gives them a meaning.
struct HealthWords {
  std::string command, interval, timeout, start_period, start_interval, on_failure;
  std::string startup_command, startup_interval, startup_timeout;
  std::optional<unsigned> retries, startup_retries, startup_success;
  std::string log_destination;  ///< local, or a folder.
  std::optional<unsigned> max_log_count, max_log_size;
  bool none = false;  ///< --no-healthcheck
};

/// What `run` and `create` were asked for, as the user wrote it; engine/create.cpp gives it a meaning.
struct RunOptions {
  std::string image;                   ///< Name, id or transport:path; a path with --rootfs.
  std::vector<std::string> arguments;  ///< Words after IMAGE.

  std::string name;
  bool detach = false;
  bool interactive = false;
  bool tty = false;
  bool auto_remove = false;
  bool replace = false;
  bool rootfs = false;
  bool read_only = false;
  bool read_only_tmpfs = true;
  bool privileged = false;
  bool init = false;
  std::string init_path;  ///< A program of the host instead of our own init.
  bool quiet = false;
  bool sig_proxy = true;
  bool http_proxy = true;
  bool no_hosts = false;
  std::string pull = "missing";  ///< always|missing|never|newer
  std::string platform;
  std::optional<bool> tls_verify;
  std::string auth_file;
  std::string creds;
  std::string cert_dir;
  std::string retry, retry_delay;  ///< For `pull`, as typed.

  std::optional<std::string> entrypoint;  ///< "" clears; a JSON array is a list.
  std::vector<std::string> env;           ///< "A=1", "A" (copy), "A*" (prefix copy)
  std::vector<std::string> env_files;
  std::string work_dir;
  std::string user;
  std::string hostname;
  std::vector<std::string> group_add;
  std::vector<std::string> volumes;       ///< -v
  std::vector<std::string> mounts;        ///< --mount
  std::vector<std::string> tmpfs;         ///< --tmpfs PATH[:options]
  std::vector<std::string> volumes_from;  ///< CONTAINER[:options]
  std::string image_volume;               ///< What a VOLUME of the image becomes: bind|anonymous|tmpfs|ignore
  std::vector<std::string> devices;
  std::vector<std::string> cdi_spec_dirs;  ///< Where CDI files are; none: /etc/cdi, /run/cdi.
  std::string shm_size, shm_size_systemd;
  std::vector<std::string> chroot_dirs;  ///< Get hosts, hostname and resolv.conf as "/" does.
  std::vector<std::string> ulimits;
  std::vector<std::string> sysctls;
  std::vector<std::string> add_hosts;
  std::vector<std::string> dns, dns_search, dns_option;
  std::vector<std::string> cap_add, cap_drop;
  std::vector<std::string> security_opt;
  std::vector<std::string> labels;
  std::vector<std::string> annotations;
  std::string network;  ///< none|host|private|slirp4netns[:…]|pasta[:…]|container:NAME|ns:PATH; empty: default
  std::vector<std::string> publish;  ///< -p
  bool publish_all = false;          ///< -P
  std::vector<std::string> expose;
  std::string userns;        ///< host|keep-id[:…]|auto[:…]|nomap; rootless/container_ids.hpp
  bool passwd = true;        ///< Whether who the process is gets a line in the container's passwd.
  std::string passwd_entry;  ///< That line, with $USERNAME, $UID, $GID, $NAME, $HOME; empty: podman's.
  std::vector<std::string> uid_maps, gid_maps;
  std::string subuid_name, subgid_name;
  std::string pid, ipc, uts, cgroupns;  ///< "private"|"host"|"container:NAME"; ipc: "shareable"|"none" as well.
  std::vector<std::string> secrets;     ///< --secret NAME[,OPTION...]; engine/secret_words.hpp
  std::string group_entry;              ///< As passwd_entry, for /etc/group: $GROUPNAME, $GID, $USERLIST.
  std::vector<std::string> host_users;  ///< Users of the host that get a line in the container's passwd.
  std::string umask;                    ///< Octal; empty: 0022.
  std::string timezone;                 ///< "Europe/Berlin", or "local".
  std::string systemd = "true";         ///< true (when the command is an init)|false|always
  std::string oom_score_adj;            ///< A number; empty: ours.
  std::string sdnotify;                 ///< container|conmon|healthy|ignore
  std::string personality;              ///< LINUX|LINUX32
  bool env_host = false, unsetenv_all = false;
  std::vector<std::string> env_merge, unsetenv;
  std::string cgroups;        ///< enabled|disabled|no-conmon|split; empty: what containers.conf says.
  std::string cgroup_parent;  ///< A slice for systemd, else a path.
  LimitWords limits;
  bool oom_kill_disable = false;
  std::string cidfile, pidfile, conmon_pidfile;
  std::vector<std::string> attach;    ///< stdin|stdout|stderr: which of them `run` attaches; none: all.
  std::vector<std::string> required;  ///< Containers that are started before it.
  bool no_hostname = false;           ///< Leave the image's /etc/hostname.
  std::string hosts_file;             ///< What /etc/hosts begins with: a path, none; empty: the host's.
  std::string domainname;
  std::vector<std::string> require;    ///< Parts of the mode that may not fall back; engine/mode.hpp.
  std::optional<bool> root_emulation;  ///< Nothing: as engine.conf says.
  std::string stop_signal;
  std::optional<unsigned> stop_timeout;
  std::string restart;              ///< no|on-failure[:RETRIES]|always|unless-stopped
  std::optional<unsigned> timeout;  ///< Seconds until it is killed.
  HealthWords health;
  std::string log_driver;  ///< k8s-file|json-file(alias)|journald|none|passthrough
  std::vector<std::string> log_opts;
  std::optional<std::string> detach_keys;
  unsigned preserve_fds = 0;
  std::vector<std::string> preserve_fd;  ///< Numbers of descriptors, which stay as they are.
  /// `run --detach`: called with the container's id once its process runs; `cmd` prints it. May be empty.
  std::function<void(const std::string& id)> on_started;
  std::vector<std::string> command_line;  ///< The words the user typed, for inspect.
};

}  // namespace engine
