#include "engine/container_surroundings.hpp"

#include <algorithm>
#include <charconv>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "engine/joined_namespaces.hpp"
#include "rootless/host_facts.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::string_view zones = "/usr/share/zoneinfo/";

/// The file that says what a time zone is.
std::string zone_file(const std::string& zone) {
  const std::string path = zone == "local" ? std::string{"/etc/localtime"} : concat(zones, zone);
  const bool leads_out = zone.starts_with('/') || concat("/", zone, "/").find("/../") != std::string::npos;
  char resolved[PATH_MAX];
  struct stat info {};
  if (leads_out || ::realpath(path.c_str(), resolved) == nullptr || ::stat(resolved, &info) != 0 ||
      !S_ISREG(info.st_mode))
    throw make_error(ErrorKind::not_found, "--tz ", quoted(zone), ": there is no time zone ", quoted(path))
        .with_hint("a name such as Europe/Berlin, or local; the package tzdata has the zones");
  return resolved;
}

std::uint32_t umask_of(const std::string& text) {
  constexpr std::uint32_t usual = 0022;
  constexpr int octal = 8;
  std::uint32_t mask = usual;
  std::from_chars(text.data(), text.data() + text.size(), mask, octal);  // what it looks like was checked
  return mask & 0777;
}

/// An ordinary user may raise the score only.
std::optional<int> oom_score_of(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto wanted = static_cast<int>(base::parse_signed(text).value_or(0));
  const std::string own = base::read_file(AT_FDCWD, "/proc/self/oom_score_adj", 64);
  const auto current = static_cast<int>(base::parse_signed(base::trim(own)).value_or(0));
  if (wanted >= current) return wanted;
  base::log(base::LogLevel::warn, "--oom-score-adj ", wanted, ": raised to our own ", current,
            ", which only root can go below");
  return current;
}

bool is_init(const std::vector<std::string>& command) {
  if (command.empty()) return false;
  const std::string& program = command.front();
  return program == "/sbin/init" || program == "/usr/sbin/init" || program == "/usr/local/sbin/init" ||
         program.substr(program.rfind('/') + 1) == "systemd";
}

}  // namespace

int systemd_stop_signal() {
  return SIGRTMIN + 3;
}

void check_surroundings(const RunOptions& options) {
  const std::vector<std::string>& groups = options.group_add;
  if (groups.size() > 1 && std::find(groups.begin(), groups.end(), "keep-groups") != groups.end())
    throw make_error(ErrorKind::invalid_argument,
                     "--group-add keep-groups is not allowed with any other --group-add options");
}

Surroundings surroundings_of(const RunOptions& options, const storage::ContainerRecord& record,
                             const JoinedNamespaces& joined) {
  Surroundings around;
  around.joined = joined.paths;
  around.umask = umask_of(options.umask);
  around.oom_score_adj = oom_score_of(options.oom_score_adj);
  around.is_systemd = options.systemd == "always" || (options.systemd == "true" && is_init(record.command));
  if (!options.timezone.empty())
    around.mounts.push_back({"/etc/localtime",
                             "bind",
                             zone_file(options.timezone),
                             {"bind", "rprivate", "nosuid", "nodev", "noexec", "ro"}});
  return around;
}

}  // namespace engine
