#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/container_ids.hpp"
#include "engine/context.hpp"
#include "engine/mount_words.hpp"
#include "engine/run_options.hpp"
#include "engine/user.hpp"
#include "storage/containers.hpp"

namespace engine {

/// Who a container's process is, and what its files of users have to say besides what the image's say.
struct ContainerUser {
  ResolvedUser user;
  std::optional<std::string> passwd, group;  ///< The whole new text; nothing: the image's file stays.
};

/// The user that `--user` or the image names, else with keep-id the caller; looked up in the image's own files, to
/// which keep-id adds the caller. @throws Error unsupported, when the container has no such id.
/// Source: podman-run(1) "--user", "--userns", "--passwd".
ContainerUser find_container_user(Engine& engine, const storage::ContainerRecord& record, const ContainerIds& ids,
                                  const RunOptions& options, const std::vector<MountWord>& mounts,
                                  const std::string& work_dir);

/// Pure. The line that keep-id adds, "joe:*:1000:1000::/home/joe:/bin/sh"; empty when there is such a name or id.
std::string passwd_line(std::string_view passwd, const std::string& name, std::uint32_t uid, std::uint32_t gid,
                        const std::string& home);
std::string group_line(std::string_view group, const std::string& name, std::uint32_t gid, const std::string& member);

/// Puts these texts into the container's own tree, before it is started for the first time.
void write_user_files(Engine& engine, const storage::ContainerDir& container, const storage::ContainerRecord& record,
                      const ContainerUser& user);

/// Copy driver, inside the user namespace: what write_user_files left beside the tree is put into it.
void install_user_files(const storage::ContainerDir& container);

}  // namespace engine
