#pragma once

namespace runtime {

/// Copies the directories, regular files and symbolic links below `source` into `target`, with owner, mode and times:
/// what the tmpcopyup option means. Both are directory descriptors (O_PATH will do); nothing is followed, no mount is
/// crossed, devices and sockets are left out.
void copy_up(int source, int target);

}  // namespace runtime
