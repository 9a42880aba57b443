#include "cmd/oci_verbs.hpp"

// The one table of the OCI command line: parsing, help, man page and completions are made from it. Names and meanings
// are those of runc and crun, whose callers speak to us.

namespace cmd {
namespace {

constexpr OciOption global_options[] = {
    {"cgroup-manager", '\0', "cgroupfs|systemd|disabled", "Who makes cgroups"},
    {"debug", '\0', {}, "Same as --log-level debug"},
    {"help", 'h', {}, "Print the usage and exit"},
    {"log", '\0', "FILE", "Append log lines to FILE instead of writing them to standard error"},
    {"log-format", '\0', "text|json", "Form of the lines in the log file"},
    {"log-level", '\0', "error|warning|warn|info|debug", "Least important lines to log; warning unless given"},
    {"root", '\0', "DIR", "Where the state of containers is kept"},
    {"rootless", '\0', "true|false|auto", "Whether limits that cannot be set are left out; auto unless given"},
    {"systemd-cgroup", '\0', {}, "Same as --cgroup-manager systemd"},
    {"version", 'v', {}, "Print the version and exit"},
    {"version", 'V', {}, {}},
};

constexpr OciOption start_options[] = {
    {"bundle", 'b', "DIR", "Folder of config.json; the working directory unless given"},
    {"config", 'f', "FILE", "Read this instead of config.json"},
    {"console-socket", '\0', "SOCKET", "Send the terminal's descriptor to whoever listens there"},
    {"no-new-keyring", '\0', {}, "Keep the session keyring of the caller"},
    {"no-pivot", '\0', {}, "Do not use pivot_root(2)"},
    {"no-subreaper", '\0', {}, "Accepted for compatibility: nothing here is a subreaper"},
    {"pid-file", '\0', "FILE", "Write the pid of the container's first process to FILE"},
    {"preserve-fds", '\0', "N", "Pass descriptors 3 to N+2 on"},
};

constexpr OciOption run_options[] = {
    {"detach", 'd', {}, "Return when the container runs"},
    {"keep", '\0', {}, "Do not delete the container when it has ended"},
};

constexpr OciOption delete_options[] = {
    {"force", 'f', {}, "Kill it first when it runs; an unknown container is no error"},
    {"regex", 'r', {}, "ID is an extended regular expression"},
};

constexpr OciOption events_options[] = {
    {"interval", '\0', "DURATION", "Time between two statistics; 5s unless given"},
    {"stats", '\0', {}, "Print statistics once and exit"},
};

constexpr OciOption exec_options[] = {
    {"additional-gids", 'g', "GID", "A further group; may be given several times"},
    {"apparmor", '\0', "PROFILE", "AppArmor profile of the process"},
    {"cap", 'c', "CAPABILITY", "A further capability; may be given several times"},
    {"cgroup", '\0', "PATH", "Run it in this cgroup below the container's"},
    {"console-socket", '\0', "SOCKET", "Send the terminal's descriptor to whoever listens there"},
    {"cwd", '\0', "DIR", "Working directory"},
    {"detach", 'd', {}, "Return when the process runs"},
    {"env", 'e', "NAME=VALUE", "An environment variable; may be given several times"},
    {"ignore-paused", '\0', {}, "Also in a paused container; the process waits until it is resumed"},
    {"no-new-privs", '\0', {}, "The process can gain no privileges"},
    {"no-subreaper", '\0', {}, {}},
    {"pid-file", '\0', "FILE", "Write the pid of the process to FILE"},
    {"preserve-fds", '\0', "N", "Pass descriptors 3 to N+2 on"},
    {"process", 'p', "FILE", "The process as JSON, as in config.json"},
    {"process-label", '\0', "LABEL", "SELinux label of the process"},
    {"tty", 't', {}, "Give it a terminal"},
    {"user", 'u', "UID[:GID]", "Who it runs as"},
};

constexpr OciOption kill_options[] = {
    {"all", 'a', {}, "Signal every process of the container"},
    {"regex", 'r', {}, "ID is an extended regular expression"},
};

constexpr OciOption list_options[] = {
    {"format", 'f', "table|json", "Form of the output"},
    {"quiet", 'q', {}, "Print ids only"},
};

constexpr OciOption ps_options[] = {
    {"format", 'f', "table|json", "Form of the output; json prints the pids only"},
};

constexpr OciOption spec_options[] = {
    {"bundle", 'b', "DIR", "Where to write config.json; the working directory unless given"},
    {"config", 'f', "FILE", "Write FILE instead of config.json"},
    {"rootless", '\0', {}, "For an ordinary user"},
};

constexpr OciOption update_options[] = {
    {"blkio-weight", '\0', "WEIGHT", "Share of block I/O, 10 to 1000"},
    {"cpu-burst", '\0', "MICROSECONDS", "CPU time that may be saved up beyond the quota"},
    {"cpu-idle", '\0', "0|1", "Whether it only runs when nobody else wants to"},
    {"cpu-period", '\0', "MICROSECONDS", "Period of the quota"},
    {"cpu-quota", '\0', "MICROSECONDS", "CPU time within a period; -1 for no limit"},
    {"cpu-rt-period", '\0', "MICROSECONDS", "Period of the realtime budget"},
    {"cpu-rt-runtime", '\0', "MICROSECONDS", "Realtime budget within a period"},
    {"cpu-share", '\0', "SHARES", "Weight against other containers, 2 to 262144"},
    {"cpu-shares", '\0', "SHARES", {}},
    {"cpuset-cpus", '\0', "LIST", "CPUs it may use, such as 0-3,7"},
    {"cpuset-mems", '\0', "LIST", "Memory nodes it may use"},
    {"kernel-memory", '\0', "BYTES", {}},
    {"kernel-memory-tcp", '\0', "BYTES", {}},
    {"l3-cache-schema", '\0', "TEXT", "Shares of the L3 cache, as linux.intelRdt.l3CacheSchema"},
    {"mem-bw-schema", '\0', "TEXT", "Shares of the memory bandwidth, as linux.intelRdt.memBwSchema"},
    {"memory", '\0', "BYTES", "Memory limit; -1 for none"},
    {"memory-reservation", '\0', "BYTES", "Memory that it keeps longest when memory is short"},
    {"memory-swap", '\0', "BYTES", "Limit of memory and swap together; -1 for none"},
    {"pids-limit", '\0', "COUNT", "Limit of processes and threads; -1 for none"},
    {"resources", 'r', "FILE", "The limits as JSON, as linux.resources of config.json; - for standard input"},
};

constexpr OciOption criu_options[] = {
    {"auto-dedup", '\0', {}, "Keep each page of memory once"},
    {"empty-ns", '\0', "network", "Make this namespace, but leave it empty"},
    {"ext-unix-sk", '\0', {}, "Allow connections to sockets outside"},
    {"file-locks", '\0', {}, "Handle file locks"},
    {"image-path", '\0', "DIR", "Folder of the checkpoint; \"checkpoint\" unless given"},
    {"manage-cgroups-mode", '\0', "soft|full|strict|ignore", "What is done about cgroups"},
    {"lazy-pages", '\0', {}, {}},
    {"shell-job", '\0', {}, "Allow a terminal of the caller"},
    {"tcp-established", '\0', {}, "Allow open TCP connections"},
    {"work-path", '\0', "DIR", "Folder of the log of criu"},
};

constexpr OciOption checkpoint_options[] = {
    {"leave-running", '\0', {}, "Let it run on"},
    {"page-server", '\0', "ADDRESS", {}},
    {"parent-path", '\0', "DIR", "Checkpoint of an earlier --pre-dump, relative to --image-path"},
    {"pre-dump", '\0', {}, "Write its memory only, and let it run on"},
    {"status-fd", '\0', "N", {}},
};

constexpr OciOption restore_options[] = {
    {"bundle", 'b', "DIR", "Folder of config.json; the working directory unless given"},
    {"config", 'f', "FILE", "Read this instead of config.json"},
    {"console-socket", '\0', "SOCKET", {}},
    {"detach", 'd', {}, "Return when the container runs"},
    {"keep", '\0', {}, "Do not delete the container when it has ended"},
    {"lsm-mount-context", '\0', "TEXT", "SELinux context of its mounts"},
    {"lsm-profile", '\0', "TYPE:NAME", "Security profile of its processes"},
    {"no-pivot", '\0', {}, {}},
    {"no-subreaper", '\0', {}, {}},
    {"pid-file", '\0', "FILE", "Write the pid of the container's first process to FILE"},
};

constexpr OciVerb verbs[] = {
    {"checkpoint", "ID", "Write a running container to files", criu_options, checkpoint_options, 1, 1, false, 1,
     oci_checkpoint},
    {"create", "ID", "Make a container that waits for start", start_options, {}, 1, 1, false, 1, oci_create},
    {"delete", "ID", "Remove what is left of a container", delete_options, {}, 1, 1, false, 1, oci_delete},
    {"events", "ID", "Print statistics and out-of-memory events", events_options, {}, 1, 1, false, 1, oci_events},
    // Callers tell by 255 that the process was never executed. Source: runc 1.1's exec.
    {"exec", "ID [COMMAND [ARG...]]", "Run a further process", exec_options, {}, 1, any_number, true, 255, oci_exec},
    {"features", "", "Print what this runtime can do as JSON", {}, {}, 0, 0, false, 1, oci_features},
    {"kill", "ID [SIGNAL]", "Send a signal to the first process", kill_options, {}, 1, 2, false, 1, oci_kill},
    {"list", "", "List containers", list_options, {}, 0, 0, false, 1, oci_list},
    {"pause", "ID", "Suspend all processes", {}, {}, 1, 1, false, 1, oci_pause},
    {"ps", "ID [OPTION-OF-PS...]", "List the processes", ps_options, {}, 1, any_number, true, 1, oci_ps},
    {"restore", "ID", "Make a container from a checkpoint", criu_options, restore_options, 1, 1, false, 1, oci_restore},
    {"resume", "ID", "Let suspended processes go on", {}, {}, 1, 1, false, 1, oci_resume},
    {"run", "ID", "Make a container and start it", start_options, run_options, 1, 1, false, 1, oci_run},
    {"spec", "", "Write an example of config.json", spec_options, {}, 0, 0, false, 1, oci_spec},
    {"start", "ID", "Execute the program of a container that was created", {}, {}, 1, 1, false, 1, oci_start},
    {"state", "ID", "Print the state as JSON", {}, {}, 1, 1, false, 1, oci_state},
    {"update", "ID", "Change limits", update_options, {}, 1, 1, false, 1, oci_update},
};

}  // namespace

std::span<const OciVerb> oci_verbs() {
  return verbs;
}

std::span<const OciOption> oci_global_options() {
  return global_options;
}

std::vector<OciOption> options_of(const OciVerb& verb) {
  std::vector<OciOption> options{verb.options.begin(), verb.options.end()};
  options.insert(options.end(), verb.more_options.begin(), verb.more_options.end());
  options.push_back({"help", 'h', {}, "Print the usage and exit"});
  return options;
}

}  // namespace cmd
