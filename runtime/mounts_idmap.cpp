#include "runtime/mounts_idmap.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sched.h>

#include "base/channel.hpp"
#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/mount.hpp"
#include "runtime/init.hpp"
#include "runtime/init_setup.hpp"
#include "runtime/mounts_make.hpp"
#include "runtime/sync.hpp"

namespace runtime {
namespace {

using base::Error;
using base::ErrorKind;
using base::UniqueFd;

constexpr std::uint64_t propagation_private = 1u << 18;  // MS_PRIVATE

UniqueFd namespace_of(const MountStep& step, const std::vector<OpenNamespace>& joined) {
  if (!step.uid_mappings.empty()) return make_user_namespace(step.uid_mappings, step.gid_mappings);
  const auto user = std::find_if(joined.begin(), joined.end(),
                                 [](const OpenNamespace& entry) { return entry.flag == CLONE_NEWUSER; });
  if (user == joined.end())
    throw base::make_error(ErrorKind::unsupported, "an idmapped mount without mappings: config.json has none either");
  return base::duplicate(user->fd.get());
}

Error explained(Error error) {
  switch (error.code()) {
    case EPERM:
      return std::move(error).with_hint(
          "only root of the user namespace that a file system was mounted in may have its ids mapped; without root, "
          "change the owners of the files instead (option U of -v)");
    case EINVAL:
      return std::move(error).with_hint("this file system cannot be idmapped, or the mount is idmapped already");
    case ENOSYS:
      return std::move(error).with_hint("idmapped mounts need Linux 5.12");
    default:
      return error;
  }
}

UniqueFd map_source(const MountStep& step, const std::vector<OpenNamespace>& joined) {
  const UniqueFd user_namespace = namespace_of(step, joined);
  LooseMount mount = loose_bind(step, clone_bind_source(step), true);
  try {
    base::map_ids(mount.tree.get(), user_namespace.get(), step.options.id_map == IdMap::recursive);
  } catch (Error& error) {
    throw explained(std::move(error));
  }
  // Cloned from our own mounts, it would send events to the host's; as a slave it at most receives them.
  if (mount.propagation != propagation_private) base::set_propagation(mount.tree.get(), 1u << 19, true);
  apply_attributes(mount);
  return std::move(mount.tree);
}

}  // namespace

std::string id_map_text(const std::vector<IdMapping>& mappings) {
  std::string text;
  for (const IdMapping& mapping : mappings)
    text += base::concat(mapping.container_id, " ", mapping.host_id, " ", mapping.size, "\n");
  return text;
}

UniqueFd make_user_namespace(const std::vector<IdMapping>& uids, const std::vector<IdMapping>& gids) {
  auto [ours, theirs] = base::Channel::make_pair();
  const base::Child holder = start_clone(CLONE_NEWUSER, nullptr, theirs, ours, [&channel = theirs] {
    set_dumpable(true);  // so that its files in /proc are ours; it does nothing but wait
    send_sync(channel, Sync::map_ids_please);
    expect_sync(channel, Sync::ids_mapped);
  });
  theirs.close();
  expect_sync(ours, Sync::map_ids_please);
  const std::string path = base::concat("/proc/", holder.pid());
  const UniqueFd process{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!process) throw base::os_error("opening ", base::quoted(path));
  try {
    base::write_existing(process.get(), "uid_map", id_map_text(uids));
    base::write_existing(process.get(), "gid_map", id_map_text(gids));
  } catch (Error& error) {
    throw explained(std::move(error));
  }
  UniqueFd result{::openat(process.get(), "ns/user", O_RDONLY | O_CLOEXEC)};
  if (!result) throw base::os_error("opening a user namespace for id mappings");
  return result;  // `holder` is killed here; the descriptor keeps the namespace
}

std::vector<UniqueFd> map_bind_sources(const ContainerPlan& plan, const std::vector<OpenNamespace>& joined) {
  std::vector<UniqueFd> mapped;
  for (const MountStep& step : plan.mounts) {
    mapped.emplace_back();
    if (step.is_idmapped())
      base::with_context([&] { mapped.back() = map_source(step, joined); }, "mapping the ids of ",
                         base::quoted(step.source), " for ", base::quoted(step.destination));
  }
  return mapped;
}

}  // namespace runtime
