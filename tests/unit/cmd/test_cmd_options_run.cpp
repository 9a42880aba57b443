#include <doctest/doctest.h>
#include <set>
#include <string>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/text.hpp"
#include "cmd/options_run.hpp"

namespace {

/// All options of podman's run and create, and docker's spellings. Source: podman-run(1), docker-container-run(1).
constexpr std::string_view peers_options =
    "add-host annotation arch attach authfile blkio-weight blkio-weight-device cap-add cap-drop cert-dir "
    "cgroup-conf cgroup-parent cgroupns cgroups chrootdirs cidfile conmon-pidfile cpu-period cpu-quota "
    "cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems creds decryption-key detach "
    "detach-keys device device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops "
    "disable-content-trust dns dns-option dns-search entrypoint env env-file env-host env-merge expose gidmap "
    "gpus group-add group-entry health-cmd health-interval health-log-destination health-max-log-count "
    "health-max-log-size health-on-failure health-retries health-start-period health-startup-cmd "
    "health-startup-interval health-startup-retries health-startup-success health-startup-timeout "
    "health-timeout help hostname hosts-file hostuser http-proxy image-volume init init-ctr init-path "
    "interactive ip ip6 ipc label label-file link-local-ip log-driver log-opt mac-address memory "
    "memory-reservation memory-swap memory-swappiness mount name network network-alias no-healthcheck "
    "no-hostname no-hosts oom-kill-disable oom-score-adj os passwd passwd-entry personality pid pidfile "
    "pids-limit platform pod pod-id-file preserve-fd preserve-fds privileged publish publish-all pull quiet "
    "rdt-class read-only read-only-tmpfs replace requires restart retry retry-delay rm rmi rootfs sdnotify "
    "seccomp-policy secret security-opt shm-size shm-size-systemd sig-proxy stop-signal stop-timeout "
    "subgidname subuidname sysctl systemd timeout tls-verify tmpfs tty tz uidmap ulimit umask unsetenv "
    "unsetenv-all user userns uts variant volume volumes-from workdir net dns-opt domainname kernel-memory "
    "isolation volume-driver storage-opt link health-start-interval";

}  // namespace

TEST_CASE("every option of podman and docker is known to run") {
  cmd::RunWords words;
  cmd::OptionTable table;
  declare_run_options(table, words);
  for (const std::string_view name : base::split(peers_options, ' ')) {
    // Declared by run alone, or answered by the walk.
    if (cmd::is_one_of(name, "detach|detach-keys|sig-proxy|rmi|help")) continue;
    CAPTURE(name);
    CHECK(table.find(name) != nullptr);
  }
}

TEST_CASE("no name and no letter is declared twice") {
  cmd::RunWords words;
  cmd::OptionTable table;
  declare_run_options(table, words);
  std::set<std::string_view> names;
  std::set<char> letters;
  for (const cmd::Option& option : table.options()) {
    CAPTURE(option.name);
    CHECK(names.insert(option.name).second);
    if (option.letter != 0) CHECK(letters.insert(option.letter).second);
  }
}

TEST_CASE("the parts of a platform are joined, and exclude the whole") {
  CHECK(cmd::joined_platform({}).empty());
  CHECK(cmd::joined_platform({.platform = "linux/arm64", .arch = {}, .os = {}, .variant = {}}) == "linux/arm64");
  CHECK(cmd::joined_platform({.platform = {}, .arch = "arm", .os = {}, .variant = "v7"}) == "linux/arm/v7");
  CHECK_THROWS_AS(cmd::joined_platform({.platform = "linux/arm64", .arch = "arm", .os = {}, .variant = {}}),
                  base::Error);
}

TEST_CASE("labels of files come before those of the command line") {
  const base::TempDir folder;
  base::write_file_atomically(folder.fd(), "labels", "# comment\n\nA=file\n  B=2 \n", base::Durability::volatile_);
  cmd::RunWords words;
  words.label_files = {folder.path() + "/labels"};
  words.options.labels = {"A=typed"};
  const engine::RunOptions& options = settle_run_options(words, {"engine", "run"});
  CHECK(options.labels == std::vector<std::string>{"A=file", "B=2", "A=typed"});
  CHECK(options.command_line == std::vector<std::string>{"engine", "run"});
}

TEST_CASE("a label file that is missing is named") {
  cmd::RunWords words;
  words.label_files = {"/nonexistent/labels"};
  CHECK_THROWS_WITH_AS(settle_run_options(words, {}),
                       "opening label file \"/nonexistent/labels\": No such file or directory", base::Error);
}
