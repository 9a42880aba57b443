#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

/// Who a container's process is.
struct ResolvedUser {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> additional_gids;
  std::string home = "/";  ///< From the container's passwd; "/" when it has no entry ("/root" for uid 0).
};

/// "", "name", "uid", "name:group", "uid:gid", … looked up in the text of the container's own passwd and group files.
/// All digits is always a number, 0–4294967294, never a name. Without ":group" the groups of the group file are added.
/// @throws Error invalid_argument for bad numbers; not_found for unknown names.
/// Source: podman-run(1) --user.
ResolvedUser resolve_user(std::string_view user, std::string_view passwd, std::string_view group,
                          const std::vector<std::string>& group_add);

}  // namespace engine
