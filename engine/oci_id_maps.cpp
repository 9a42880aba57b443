#include "engine/oci_id_maps.hpp"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "rootless/host_facts.hpp"
#include "rootless/places.hpp"
#include "rootless/user_database.hpp"
#include "rootless/user_namespace.hpp"

namespace engine {

namespace {

constexpr std::size_t max_uid_map_bytes = 64 * 1024;
constexpr std::uint64_t max_listen_fds = 512;

std::vector<rootless::IdRange> ranges_of(const std::vector<runtime::IdMapping>& mappings) {
  std::vector<rootless::IdRange> ranges;
  for (const runtime::IdMapping& mapping : mappings)
    ranges.push_back({.inside = mapping.container_id, .outside = mapping.host_id, .count = mapping.size});
  rootless::check_ranges(ranges);
  return ranges;
}

bool is_only(const std::vector<rootless::IdRange>& ranges, std::uint32_t id) {
  return ranges.size() == 1 && ranges[0].count == 1 && ranges[0].outside == id;
}

/// Only where things are: the rest of HostFacts takes longer to find out than most verbs do.
rootless::Places own_places() {
  const std::uint32_t uid = ::geteuid();
  std::string home = rootless::environment("HOME").value_or("");
  if (!home.starts_with('/')) {
    const auto user = rootless::look_up_user(uid);
    home = user ? user->home : "/";
  }
  return rootless::find_places(uid, home);
}

}  // namespace

void write_spec_id_maps(const runtime::Spec& spec, pid_t pid, int proc_pid_fd) {
  const rootless::HostFacts host = rootless::look_at_host();
  rootless::IdMap map{.uids = ranges_of(spec.linux.uid_mappings), .gids = ranges_of(spec.linux.gid_mappings)};
  map.single = is_only(map.uids, host.uid) && is_only(map.gids, host.gid);
  rootless::write_id_maps(pid, proc_pid_fd, map, host);
}

std::string oci_state_root() {
  return own_places().run + "/engine-runtime";
}

bool oci_is_rootless() {
  if (::geteuid() != 0) return true;
  // One line, "0 0 4294967295", only in the first user namespace. Source: user_namespaces(7).
  const std::string map = base::read_file(AT_FDCWD, "/proc/self/uid_map", max_uid_map_bytes);
  std::vector<std::string_view> fields = base::split(base::trim(map), ' ');
  std::erase(fields, std::string_view{});
  return fields != std::vector<std::string_view>{"0", "0", "4294967295"};
}

std::string oci_user_runtime_dir() {
  if (auto given = rootless::environment("XDG_RUNTIME_DIR"); given && given->starts_with('/')) return *given;
  return base::concat("/run/user/", ::geteuid());
}

base::UniqueFd oci_seccomp_cache() {
  try {
    return base::make_directories(AT_FDCWD, own_places().cache + "/engine/seccomp");
  } catch (const base::Error& error) {
    base::log(base::LogLevel::debug, "compiled seccomp filters are not kept: ", error.message());
    return {};
  }
}

std::string oci_notify_socket() {
  const std::string given = rootless::environment("NOTIFY_SOCKET").value_or("");
  return given.starts_with('/') || given.starts_with('@') ? given : "";
}

unsigned oci_listen_fds() {
  const auto given = rootless::environment("LISTEN_FDS");
  const auto count = given ? base::parse_unsigned(*given) : std::nullopt;
  return count ? static_cast<unsigned>(std::min<std::uint64_t>(*count, max_listen_fds)) : 0;
}

std::string oci_user_name(std::uint32_t uid) {
  const auto user = rootless::look_up_user(uid);
  return user ? user->name : base::concat(uid);
}

}  // namespace engine
