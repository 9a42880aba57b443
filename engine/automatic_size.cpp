#include "engine/automatic_size.hpp"

#include <algorithm>
#include <fcntl.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "engine/union_file.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"
#include "storage/owners.hpp"

namespace engine {
namespace {

constexpr std::uint32_t least_ids = 1024;
constexpr std::uint32_t nobody = 65534;

std::uint32_t highest_owner(const storage::Store& store, const base::Digest& chain) {
  const std::string path = base::concat(storage::layout::layer(chain), "/owners");
  const base::UniqueFd file{::openat(store.root(), path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!file) throw base::os_error("opening the owner manifest of layer ", chain);
  storage::OwnersReader owners{file.get()};
  std::uint32_t highest = 0;
  while (const auto record = owners.next()) highest = std::max({highest, record->uid, record->gid});
  return highest;
}

}  // namespace

std::uint32_t highest_known_id(std::string_view passwd_or_group) {
  std::uint32_t highest = 0;
  for (const std::string_view line : base::split(passwd_or_group, '\n')) {
    const std::vector<std::string_view> fields = base::split(line, ':');
    if (fields.size() < 3 || fields[0] == "nobody" || fields[0] == "nogroup") continue;
    const auto id = base::parse_unsigned(fields[2]);
    if (id && *id < UINT32_MAX && *id != nobody) highest = std::max(highest, static_cast<std::uint32_t>(*id));
  }
  return highest;
}

std::uint32_t automatic_size(Engine& engine, const std::vector<base::Digest>& chain_ids) {
  if (chain_ids.empty()) return least_ids;
  base::RootfsMount rootfs;
  rootfs.driver = base::RootfsDriver::overlay;
  rootfs.lowers = storage::open_layer_diffs(engine.store(), chain_ids, engine.variant());
  std::uint32_t highest = std::max(highest_known_id(read_union_file(rootfs, "etc", "passwd")),
                                   highest_known_id(read_union_file(rootfs, "etc", "group")));
  for (const base::Digest& chain : chain_ids) highest = std::max(highest, highest_owner(engine.store(), chain));
  return std::max(least_ids, highest == UINT32_MAX ? highest : highest + 1);
}

}  // namespace engine
