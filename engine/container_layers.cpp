#include "engine/container_layers.hpp"

#include <fcntl.h>
#include <memory>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/container_ids.hpp"
#include "engine/image_paths.hpp"
#include "engine/mapped_root.hpp"
#include "rootless/id_ranges.hpp"
#include "storage/layout.hpp"
#include "storage/overlay.hpp"

namespace engine {
namespace {

using storage::tar::PackedEntry;
using Type = storage::OwnerRecord::Type;

constexpr std::uint32_t nobody = 65534;  // what the kernel shows for ids that are not mapped

std::vector<base::Digest> chains_of(const storage::ContainerRecord& record) {
  std::vector<base::Digest> chains;
  for (const std::string& chain : record.chain_ids) chains.push_back(base::Digest::parse(chain));
  return chains;
}

std::uint32_t translate(const std::vector<rootless::IdRange>& ours, const std::vector<rootless::IdRange>& containers,
                        std::uint64_t id) {
  const auto on_host = rootless::map_out(ours, static_cast<std::uint32_t>(id));
  return on_host ? rootless::map_in(containers, *on_host).value_or(nobody) : nobody;
}

/// Of an entry as an archive has it.
Type type_of(char type) {
  switch (type) {
    case '5':
      return Type::directory;
    case '2':
      return Type::symlink;
    case '6':
      return Type::fifo;
    default:
      return Type::file;
  }
}

void take_owner_of_image(const ImagePaths& paths, PackedEntry& entry) {
  std::string_view path = entry.path;
  if (path.ends_with('/')) path.remove_suffix(1);
  const auto known = paths.inodes().find(path);
  if (known == paths.inodes().end() || known->second.type != type_of(entry.type)) return;
  entry.uid = known->second.uid;
  entry.gid = known->second.gid;
}

}  // namespace

ContainerLayers open_container_layers(Engine& engine, const storage::ContainerDir& container,
                                      const storage::ContainerRecord& record) {
  ContainerLayers result;
  if (record.has_plain_root()) {
    result.layers.push_back(base::open_directory(AT_FDCWD, record.rootfs));
    return result;
  }
  storage::RootfsRequest request{.driver = storage::parse_driver(record.driver),
                                 .chain_ids = chains_of(record),
                                 .variant = record.variant,
                                 .container_dir = container.dir.get(),
                                 .folder = record.rootfs};
  base::RootfsMount mount = storage::plan_rootfs(engine.store(), request);
  result.is_union = request.driver != base::RootfsDriver::copy;
  if (result.is_union) {
    result.layers.push_back(std::move(mount.upper));
  } else {
    request.read_only = true;
    result.original = std::move(storage::plan_rootfs(engine.store(), request).lowers.at(0));
  }
  for (base::UniqueFd& lower : mount.lowers) result.layers.push_back(std::move(lower));
  return result;
}

std::function<void(PackedEntry&)> owners_in_container(Engine& engine, const storage::ContainerDir& container,
                                                      const storage::ContainerRecord& record) {
  if (engine.host.id_map.single) {
    const std::vector<base::Digest> chains = chains_of(record);
    const auto paths = std::make_shared<ImagePaths>(ImagePaths::read(engine.store(), chains, chains.size()));
    return [paths](PackedEntry& entry) { take_owner_of_image(*paths, entry); };
  }
  const std::string config = storage::read_config_json(container, runtime::max_spec_bytes);
  const rootless::IdMap map = id_map_of(engine, record, runtime::parse_spec(config, "config.json of the container"));
  // Root's ids are the host's: those of the files, where they are mapped.
  const rootless::IdMap outside = record.rootfs_id_map.empty() ? engine.host.id_map : mapped_ids(record, map);
  return [map, outside](PackedEntry& entry) {
    entry.uid = translate(outside.uids, map.uids, entry.uid);
    entry.gid = translate(outside.gids, map.gids, entry.gid);
  };
}

}  // namespace engine
