#include "storage/unpack_free_space.hpp"

#include <algorithm>
#include <sys/statvfs.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "storage/unpack_budget.hpp"

namespace storage {

void FreeSpaceGuard::check() {
  constexpr fsfilcnt_t min_free_inodes = 1024;
  unchecked_bytes_ = unchecked_entries_ = 0;
  struct statvfs facts {};
  if (::fstatvfs(dir_, &facts) != 0) throw base::os_error("looking for free space");
  const std::uint64_t reserve =
      std::min(min_free_bytes_, static_cast<std::uint64_t>(facts.f_blocks) * facts.f_frsize / 100);
  if (static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize < reserve)
    throw base::make_error(base::ErrorKind::no_space, "less than ", base::human_size(reserve),
                           " would be left on the file system of the store")
        .with_hint("make room, or use another place with --root");
  // Some file systems make inodes as they are needed, and have 0 here.
  if (facts.f_files > 0 && facts.f_favail < std::min<fsfilcnt_t>(min_free_inodes, facts.f_files / 100))
    throw base::make_error(base::ErrorKind::no_space, "the file system of the store has hardly any inodes left")
        .with_hint("make room, or use another place with --root");
}

}  // namespace storage
