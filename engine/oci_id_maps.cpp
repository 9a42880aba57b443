#include "engine/oci_id_maps.hpp"

#include "rootless/host_facts.hpp"
#include "rootless/user_namespace.hpp"

namespace engine {

namespace {

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

}  // namespace

void write_spec_id_maps(const runtime::Spec& spec, pid_t pid, int proc_pid_fd) {
  const rootless::HostFacts host = rootless::look_at_host();
  rootless::IdMap map{.uids = ranges_of(spec.linux.uid_mappings), .gids = ranges_of(spec.linux.gid_mappings)};
  map.single = is_only(map.uids, host.uid) && is_only(map.gids, host.gid);
  rootless::write_id_maps(pid, proc_pid_fd, map, host);
}

std::string oci_state_root() {
  return rootless::look_at_host().run_dir + "/engine-runtime";
}

}  // namespace engine
