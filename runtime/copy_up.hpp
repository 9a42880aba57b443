#pragma once

namespace runtime {

/// Copies the directories, regular files and symbolic links below `source` into `target`, with owner, mode and times:
/// what the tmpcopyup option means. Both are directory descriptors (O_PATH will do); nothing is followed, no mount is
/// crossed, devices and sockets are left out. `target` itself keeps its owner and mode if `keeps_own`.
void copy_up(int source, int target, bool keeps_own);

}  // namespace runtime
