// The host as it is, for the checks.
#include <ctime>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/doctor.hpp"
#include "engine/driver.hpp"
#include "engine/inside.hpp"
#include "engine/namespace_choice.hpp"
#include "engine/network_probe.hpp"
#include "rootless/cgroup.hpp"
#include "rootless/newidmap.hpp"
#include "storage/overlay.hpp"
#include "storage/place.hpp"

namespace engine {
namespace {

/// Why it cannot be opened as every helper would; empty: it can.
std::string open_problem(const char* path) {
  const base::UniqueFd fd{::open(path, O_RDWR | O_CLOEXEC)};
  return fd ? "" : base::os_error(path).message();
}

std::string user_namespace_problem(Engine& engine) {
  try {
    run_inside(engine, {"measure"});
    return "";
  } catch (const base::Error& error) {
    return error.message();
  }
}

/// Of the nearest folder that is there.
std::optional<HostView::Space> space_at(std::string path) {
  struct statvfs facts {};
  while (::statvfs(path.c_str(), &facts) != 0) {
    const std::size_t end = path.rfind('/');
    if (errno != ENOENT || end == std::string::npos || end == 0) return std::nullopt;
    path.resize(end);
  }
  return HostView::Space{.free_bytes = facts.f_bavail * facts.f_frsize,
                         .all_bytes = facts.f_blocks * facts.f_frsize,
                         .free_inodes = facts.f_favail,
                         .all_inodes = facts.f_files};
}

}  // namespace

HostView view_of_host(Engine& engine) {
  HostView view;
  view.uid = engine.host.uid;
  view.user = engine.host.user_name;
  view.home = engine.host.home;
  view.store = engine.config.root;
  view.run_dir = engine.config.run;
  view.engine_path = path_of_own_program("engine");
  view.now = std::time(nullptr);
  view.environment = rootless::environment;
  view.probes.user_namespace = [&engine] { return user_namespace_problem(engine); };
  view.probes.newuidmap = [] { return rootless::find_id_map_helper("newuidmap", CAP_SETUID).problem; };
  view.probes.newgidmap = [] { return rootless::find_id_map_helper("newgidmap", CAP_SETGID).problem; };
  view.probes.network_helper = [&engine] { return try_user_network(engine); };
  view.probes.open_fuse = [] { return open_problem("/dev/fuse"); };
  view.probes.open_tun = [] { return open_problem("/dev/net/tun"); };
  view.driver = [&engine] {
    const DriverChoice choice = find_driver(engine);
    return std::pair{std::string{storage::name_of(choice.driver)}, choice.reason};
  };
  view.is_only_chroot = [&engine] { return may_be_chroot(engine) && find_namespaces(engine).is_chroot(); };
  view.store_place = [&engine] { return storage::explain_place(storage::probe_place(engine.store().root())); };
  view.space = [](const std::string& path) { return space_at(path); };
  view.delegated_controllers = [&engine] { return rootless::find_delegation(engine.host).controllers; };
  view.cgroup_mode = [&engine] { return std::string{rootless::name_of(engine.host.cgroup)}; };
  return view;
}

}  // namespace engine
