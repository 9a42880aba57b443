#include "storage/change_owner.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "storage/tree_walk.hpp"

namespace storage {

namespace {

struct stat facts_of(int dir, const std::string& name) {
  struct stat info {};
  if (::fstatat(dir, name.c_str(), &info, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) != 0)
    throw base::os_error("looking at ", base::quoted(name));
  return info;
}

/// What has the right owner keeps its set-id bits and times.
void give(int dir, const std::string& name, const struct stat& info, uid_t uid, gid_t gid) {
  if (info.st_uid == uid && info.st_gid == gid) return;
  if (::fchownat(dir, name.c_str(), uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) != 0)
    throw base::os_error("changing the owner of ", base::quoted(name));
}

class OwnerChange final : public TreeVisitor {
 public:
  OwnerChange(dev_t device, uid_t uid, gid_t gid) : device_(device), uid_(uid), gid_(gid) {}
  bool visit(const TreeEntry& entry) override {
    if (entry.info.st_dev != device_) return false;
    give(entry.source_dir, entry.name, entry.info, uid_, gid_);
    return S_ISDIR(entry.info.st_mode);
  }
  void leave(int, int) override {}

 private:
  dev_t device_;
  uid_t uid_;
  gid_t gid_;
};

}  // namespace

void change_owner(int fd, const std::string& name, uid_t uid, gid_t gid) {
  const struct stat info = facts_of(fd, "");
  base::with_context(
      [&] {
        give(fd, "", info, uid, gid);
        if (!S_ISDIR(info.st_mode)) return;
        OwnerChange change{info.st_dev, uid, gid};
        walk_trees(fd, fd, change);
      },
      "changing the owner of ", base::quoted(name));
}

}  // namespace storage
