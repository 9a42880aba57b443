#pragma once

#include <string>
#include <vector>

namespace runtime {

/// Covers files with /dev/null (`null_device`, a verified mount of it that is attached nowhere) and directories with
/// one empty read-only tmpfs. Paths that do not exist are skipped. Source: runtime-spec config-linux.md "Masked Paths".
void mask_paths(int root, const std::vector<std::string>& paths, int null_device);

/// Makes each path read-only, with all mounts below it. Source: config-linux.md "Readonly Paths".
void protect_paths(int root, const std::vector<std::string>& paths);

}  // namespace runtime
