#pragma once

#include <string>
#include <vector>

namespace engine {

/// Gives up what unpacking does not need: from now on this process can gain no privileges, and, where the kernel has
/// Landlock of ABI 2 (5.19; the first ABI forbids links between directories), sees no file but those below `name` in
/// `parent_dir`, may read those below the folders `lowers` of `layers_dirs`, and opens no TCP connection (ABI 4, 6.7).
/// Descriptors that are open or arrive later stay usable. Must be called while there is one thread. Source:
/// landlock(7), landlock_create_ruleset(2).
void enter_unpack_sandbox(int parent_dir, const std::string& name, const std::vector<int>& layers_dirs,
                          const std::vector<std::string>& lowers);

/// The same for who unpacks into one folder that stays.
void enter_volume_sandbox(int volume);

}  // namespace engine
