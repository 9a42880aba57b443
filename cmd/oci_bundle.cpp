#include "cmd/oci_bundle.hpp"

#include <array>
#include <climits>
#include <cstdlib>
#include <fcntl.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "cmd/oci_folder.hpp"
#include "engine/oci_id_maps.hpp"
#include "runtime/annotations.hpp"
#include "runtime/cgroup_owner.hpp"

namespace cmd {
namespace {

constexpr std::uint64_t max_preserved = 1024;

std::string absolute_path(const std::string& path) {
  std::array<char, PATH_MAX> absolute{};
  if (::realpath(path.c_str(), absolute.data()) == nullptr) throw base::os_error("opening bundle ", base::quoted(path));
  return absolute.data();
}

}  // namespace

OciBundle read_oci_bundle(const OciWords& words) {
  OciBundle bundle{.path = absolute_path(words.value_or("bundle", ".")), .json = {}, .spec = {}};
  const std::string name = words.value_or("config", config_file);
  const std::string file = name.starts_with('/') ? name : base::concat(bundle.path, '/', name);
  bundle.json = base::read_file(AT_FDCWD, file, runtime::max_spec_bytes);
  bundle.spec = runtime::parse_spec(bundle.json, file);
  runtime::apply_annotations(bundle.spec);
  return bundle;
}

runtime::Spec read_oci_spec(const OciContainer& container) {
  const std::string json = base::read_file(container.dir.get(), config_file, runtime::max_spec_bytes);
  runtime::Spec spec = runtime::parse_spec(json, base::concat("config.json of ", base::quoted(container.state.id)));
  runtime::apply_annotations(spec);
  return spec;
}

runtime::CgroupRequest cgroup_request(const OciGlobals& globals, const OciBundle& bundle, const std::string& id) {
  runtime::CgroupRequest request;
  request.container_id = id;
  request.cgroups_path = bundle.spec.linux.cgroups_path;
  request.resources_json = bundle.spec.linux.resources_json;
  request.devices = bundle.spec.linux.devices;
  request.manager = globals.manager;
  request.is_rootless = globals.is_rootless;
  if (globals.is_rootless && globals.manager == runtime::CgroupManager::systemd)
    request.user_runtime_dir = engine::oci_user_runtime_dir();
  request.annotations = bundle.spec.annotations;
  request.subgroup = bundle.spec.linux.systemd_subgroup;
  request.delegated = bundle.spec.linux.delegated_cgroup;
  // One cgroup is the container's own: that above a delegated one has its limits, and stays ours.
  if (request.delegated.empty())
    request.owner = runtime::cgroup_owner(bundle.spec);
  else
    request.delegated_owner = runtime::host_uid(bundle.spec);
  return request;
}

std::vector<int> preserved_descriptors(const OciWords& words) {
  const std::uint64_t count = words.number("preserve-fds", max_preserved).value_or(0) + engine::oci_listen_fds();
  return base::inherited_descriptors(static_cast<unsigned>(count));
}

}  // namespace cmd
