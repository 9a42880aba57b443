#include "runtime/chroot_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/path_in_root.hpp"
#include "runtime/plan.hpp"

namespace runtime {
namespace {

constexpr std::size_t max_file_bytes = 1024 * 1024;
constexpr mode_t shared_mode = 01777;

struct Node {
  const char* name;
  unsigned major, minor;
};
constexpr Node nodes[] = {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
                          {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};

void copy_file(int root, const Mount& mount) {
  const std::string bytes = base::read_file(AT_FDCWD, mount.source, max_file_bytes);
  const std::string path = clean_path(mount.destination);
  const std::size_t slash = path.rfind('/');
  const base::UniqueFd folder = base::make_directories_in_root(root, path.substr(0, slash + 1)).fd;
  const std::string name = path.substr(slash + 1);
  // Whatever the image or an earlier process has put there, a link or a FIFO: it is replaced, not followed.
  ::unlinkat(folder.get(), name.c_str(), 0);
  const base::UniqueFd file{
      ::openat(folder.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)};
  if (!file) throw base::os_error("making ", base::quoted(path));
  base::write_all(file.get(), bytes);
}

void make_node(int folder, const Node& node) {
  const dev_t number = makedev(node.major, node.minor);
  int result = ::mknodat(folder, node.name, S_IFCHR | 0666, number);
  if (result != 0 && errno == EEXIST && ::unlinkat(folder, node.name, 0) == 0)
    result = ::mknodat(folder, node.name, S_IFCHR | 0666, number);
  if (result != 0 && errno != EPERM) throw base::os_error("making \"/dev/", node.name, "\"");
}

}  // namespace

void fill_chroot(int root, const Spec& spec) {
  for (const Mount& mount : spec.mounts) copy_file(root, mount);
  const base::UniqueFd dev = base::make_directories_in_root(root, "/dev").fd;
  const mode_t before = ::umask(0);  // the modes are meant
  for (const Node& node : nodes) make_node(dev.get(), node);
  ::mkdirat(dev.get(), "shm", shared_mode);  // there already, mostly
  ::umask(before);
}

}  // namespace runtime
