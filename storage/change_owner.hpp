#pragma once

#include <string>
#include <sys/types.h>

namespace storage {

/// Gives the file or tree behind `fd` to these ids: by descriptors, following no link, on its own file system only.
/// @param fd    O_PATH will do. @param name  For errors.
/// @throws Error permission, when something in it belongs to ids that this process cannot act for.
void change_owner(int fd, const std::string& name, uid_t uid, gid_t gid);

}  // namespace storage
