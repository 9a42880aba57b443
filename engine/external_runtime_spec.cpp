#include "engine/external_runtime_spec.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "engine/external_runtime.hpp"
#include "engine/init_program.hpp"
#include "rootless/id_ranges.hpp"

namespace engine {
namespace {

std::vector<runtime::IdMapping> seen_from(const std::vector<rootless::IdRange>& map,
                                          const std::vector<rootless::IdRange>& outer) {
  const auto ranges = rootless::compose(map, rootless::inverse(outer));
  if (!ranges) throw base::make_error(base::ErrorKind::internal, "the container has ids that its runtime has not");
  std::vector<runtime::IdMapping> mappings;
  for (const rootless::IdRange& range : *ranges) mappings.push_back({range.inside, range.outside, range.count});
  return mappings;
}

void set_ids(runtime::Spec& spec, const ExternalPlace& place) {
  if (!place.has_outer) return;  // config.json has them as the host does
  if (place.map.uids == place.outer.uids && place.map.gids == place.outer.gids) {
    std::erase_if(spec.linux.namespaces, [](const runtime::Namespace& one) { return one.type == "user"; });
    spec.linux.uid_mappings.clear();
    spec.linux.gid_mappings.clear();
    return;
  }
  spec.linux.uid_mappings = seen_from(place.map.uids, place.outer.uids);
  spec.linux.gid_mappings = seen_from(place.map.gids, place.outer.gids);
}

/// The kernel mounts a fresh one only for who owns the namespace that it shows.
void bind_instead(runtime::Spec& spec, std::string_view type) {
  for (runtime::Mount& mount : spec.mounts) {
    if (mount.type != type) continue;
    mount.type = "bind";
    mount.source = mount.destination;
    mount.options.insert(mount.options.begin(), {"rbind", "rprivate"});
  }
}

bool has_zero(const std::vector<runtime::IdMapping>& map) {
  return std::any_of(map.begin(), map.end(), [](const runtime::IdMapping& one) { return one.container_id == 0; });
}

}  // namespace

runtime::Spec external_spec(runtime::Spec spec, const ExternalPlace& place) {
  spec.root_path = place.root_path;
  set_ids(spec, place);
  spec.linux.resources_json.clear();
  if (!runtime::has_namespace(spec, "network")) bind_instead(spec, "sysfs");
  if (!runtime::has_namespace(spec, "pid")) bind_instead(spec, "proc");
  if (spec.process.user.keeps_groups) spec.annotations.emplace_back("run.oci.keep_original_groups", "1");
  if (!place.init_program.empty()) add_init_program(spec, place.init_program);
  return spec;
}

std::string external_obstacle(const runtime::Spec& spec, const std::string& program) {
  for (const runtime::Namespace& one : spec.linux.namespaces)
    if (!one.path.empty()) return base::concat("it joins the ", one.type, " namespace of another");
  if (spec.process.user.keeps_groups && program != "crun")
    return "it keeps the groups of its caller (--group-add keep-groups), which of these runtimes only crun knows";
  if (needs_root_inside(program) && !(has_zero(spec.linux.uid_mappings) && has_zero(spec.linux.gid_mappings)))
    return base::concat(program, " needs a user and a group 0, and this container has none");
  return {};
}

}  // namespace engine
