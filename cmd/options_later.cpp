#include <algorithm>
#include <iterator>

#include "cmd/options_run.hpp"

// The rest of podman's 153 options of `run` and `create`, and docker's spellings: known, so that a user reads why one
// does not work, and may give those that only ask for what happens anyway.

namespace cmd {
namespace {

struct KnownOption {
  std::string_view name;
  char letter;
  OptionKind kind;
  Treatment treatment;
  std::string_view harmless;  ///< Values without effect, "|" between them.
};

constexpr auto flag = OptionKind::flag;
constexpr auto text = OptionKind::text;
constexpr auto ignored = Treatment::ignored;
constexpr auto refused = Treatment::refused;
constexpr auto not_enforced = Treatment::not_enforced;

constexpr KnownOption harmless_options[] = {
    {"disable-content-trust", 0, flag, ignored, ""},
    {"expose", 0, text, ignored, ""},
    {"isolation", 0, text, ignored, ""},
    {"kernel-memory", 0, text, ignored, ""},
    {"no-healthcheck", 0, flag, ignored, ""},
    {"storage-opt", 0, text, ignored, ""},
};

/// Kept by cgroups, which come later. "0" and "-1" ask for no limit.
constexpr KnownOption limit_options[] = {
    {"blkio-weight", 0, text, not_enforced, "0"},    {"blkio-weight-device", 0, text, not_enforced, ""},
    {"cpu-period", 0, text, not_enforced, "0"},      {"cpu-quota", 0, text, not_enforced, "0|-1"},
    {"cpu-rt-period", 0, text, not_enforced, "0"},   {"cpu-rt-runtime", 0, text, not_enforced, "0"},
    {"cpu-shares", 'c', text, not_enforced, "0"},    {"cpus", 0, text, not_enforced, "0|0.0"},
    {"cpuset-cpus", 0, text, not_enforced, ""},      {"cpuset-mems", 0, text, not_enforced, ""},
    {"device-read-bps", 0, text, not_enforced, ""},  {"device-read-iops", 0, text, not_enforced, ""},
    {"device-write-bps", 0, text, not_enforced, ""}, {"device-write-iops", 0, text, not_enforced, ""},
    {"memory", 'm', text, not_enforced, "0|-1"},     {"memory-reservation", 0, text, not_enforced, "0|-1"},
    {"memory-swap", 0, text, not_enforced, "0|-1"},  {"memory-swappiness", 0, text, not_enforced, "-1"},
    {"pids-limit", 0, text, not_enforced, "0|-1"},
};

constexpr KnownOption refused_options[] = {
    {"attach", 'a', text, refused, ""},
    {"cgroup-conf", 0, text, refused, ""},
    {"cgroup-parent", 0, text, refused, ""},
    {"chrootdirs", 0, text, refused, ""},
    {"conmon-pidfile", 0, text, refused, ""},
    {"decryption-key", 0, text, refused, ""},
    {"device-cgroup-rule", 0, text, refused, ""},
    {"domainname", 0, text, refused, ""},
    {"env-host", 0, flag, refused, ""},
    {"env-merge", 0, text, refused, ""},
    {"gpus", 0, text, refused, ""},
    {"group-entry", 0, text, refused, ""},
    {"health-cmd", 0, text, refused, "none"},
    {"health-interval", 0, text, refused, "disable"},
    {"health-log-destination", 0, text, refused, "local"},
    {"health-max-log-count", 0, text, refused, "5"},
    {"health-max-log-size", 0, text, refused, "500"},
    {"health-on-failure", 0, text, refused, "none"},
    {"health-retries", 0, text, refused, "3"},
    {"health-start-interval", 0, text, refused, ""},
    {"health-start-period", 0, text, refused, "0s|0"},
    {"health-startup-cmd", 0, text, refused, ""},
    {"health-startup-interval", 0, text, refused, ""},
    {"health-startup-retries", 0, text, refused, "0"},
    {"health-startup-success", 0, text, refused, "0"},
    {"health-startup-timeout", 0, text, refused, ""},
    {"health-timeout", 0, text, refused, ""},
    {"hosts-file", 0, text, refused, ""},
    {"hostuser", 0, text, refused, ""},
    {"image-volume", 0, text, refused, "anonymous|bind"},
    {"init-ctr", 0, text, refused, ""},
    {"init-path", 0, text, refused, ""},
    {"ip", 0, text, refused, ""},
    {"ip6", 0, text, refused, ""},
    {"link", 0, text, refused, ""},
    {"link-local-ip", 0, text, refused, ""},
    {"mac-address", 0, text, refused, ""},
    {"network-alias", 0, text, refused, ""},
    {"no-hostname", 0, flag, refused, ""},
    {"oom-kill-disable", 0, flag, refused, ""},
    {"oom-score-adj", 0, text, refused, "0"},
    {"personality", 0, text, refused, ""},
    {"pidfile", 0, text, refused, ""},
    {"pod", 0, text, refused, ""},
    {"pod-id-file", 0, text, refused, ""},
    {"preserve-fd", 0, text, refused, ""},
    {"publish", 'p', text, refused, ""},
    {"publish-all", 'P', flag, refused, ""},
    {"rdt-class", 0, text, refused, ""},
    {"requires", 0, text, refused, ""},
    {"restart", 0, text, refused, "no"},
    {"retry", 0, text, refused, "3"},
    {"retry-delay", 0, text, refused, ""},
    {"rmi", 0, flag, refused, ""},
    {"sdnotify", 0, text, refused, "ignore"},
    {"seccomp-policy", 0, text, refused, "default"},
    {"secret", 0, text, refused, ""},
    {"shm-size-systemd", 0, text, refused, ""},
    {"systemd", 0, text, refused, "true|false"},
    {"timeout", 0, text, refused, "0"},
    {"tz", 0, text, refused, ""},
    {"umask", 0, text, refused, "0022|022|22"},
    {"unsetenv", 0, text, refused, ""},
    {"unsetenv-all", 0, flag, refused, ""},
    {"volume-driver", 0, text, refused, "local"},
};

}  // namespace

void declare_later_options(OptionTable& table) {
  const auto declare = [&table](const KnownOption& option) {
    table.known(option.name, option.letter, option.kind, option.treatment, option.harmless);
  };
  std::for_each(std::begin(harmless_options), std::end(harmless_options), declare);
  std::for_each(std::begin(limit_options), std::end(limit_options), declare);
  std::for_each(std::begin(refused_options), std::end(refused_options), declare);
}

}  // namespace cmd
