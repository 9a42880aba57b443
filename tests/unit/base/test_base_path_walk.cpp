#include <cerrno>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/path_walk.hpp"

namespace {

using base::UniqueFd;

/// A root with everything that can stand in a path, and a neighbour that nothing may reach.
struct Tree {
  base::TempDir dir;
  UniqueFd root = base::make_directory(dir.fd(), "root", 0755);

  Tree() {
    base::write_file_atomically(dir.fd(), "secret", "outside");
    const UniqueFd folder = base::make_directory(root.get(), "folder", 0755);
    base::make_directory(folder.get(), "deep", 0755);
    base::write_file_atomically(folder.get(), "file", "inside");
    REQUIRE(::mkfifoat(root.get(), "fifo", 0600) == 0);
    link("/folder", "absolute");
    link("folder/file", "to_file");
    link("../../../secret", "up");
    link("../..", "parent");
    link("/", "top");
    link("loop", "loop");
    link("absolute/deep/../file", "chain");
    link("nowhere", "dangling");
    link("..", "folder/deep/back");
  }
  void link(const char* target, const char* name) { REQUIRE(::symlinkat(target, root.get(), name) == 0); }
};

struct Answer {
  int code = 0;
  ino_t inode = 0;

  bool operator==(const Answer&) const = default;
};

Answer answer_of(const UniqueFd& fd) {
  if (!fd) return {.code = errno};
  struct stat status {};
  REQUIRE(::fstat(fd.get(), &status) == 0);
  return {.inode = status.st_ino};
}

UniqueFd by_kernel(int root, const std::string& path, int flags, std::uint64_t resolve) {
  const open_how how{.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC), .mode = 0, .resolve = resolve};
  return UniqueFd{static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how))};
}

constexpr std::uint64_t in_root = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
constexpr std::uint64_t beneath = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;

}  // namespace

TEST_CASE("a path is followed as openat2 follows it") {
  Tree tree;
  for (const std::uint64_t resolve : {in_root, beneath, beneath | RESOLVE_NO_XDEV}) {
    for (const int flags : {O_PATH, O_PATH | O_DIRECTORY, O_PATH | O_NOFOLLOW, O_RDONLY | O_NONBLOCK,
                            O_RDONLY | O_NOFOLLOW | O_NONBLOCK, O_RDONLY | O_DIRECTORY}) {
      for (const char* path : {".",
                               "folder",
                               "folder/",
                               "folder/file",
                               "folder/file/",
                               "folder/file/x",
                               "folder/deep/../file",
                               "absolute",
                               "absolute/file",
                               "to_file",
                               "up",
                               "parent",
                               "parent/folder",
                               "top/top/folder",
                               "loop",
                               "chain",
                               "dangling",
                               "nothing",
                               "nothing/x",
                               "folder/deep/back/file",
                               "..",
                               "../folder",
                               "folder/../..",
                               "fifo",
                               "./././folder//deep",
                               "fifo/x",
                               "folder/../../../../folder/file",
                               "top",
                               "dangling/x"}) {
        CAPTURE(std::string{path});
        CAPTURE(flags);
        CAPTURE(resolve);
        const Answer expected = answer_of(by_kernel(tree.root.get(), path, flags, resolve));
        const Answer found = answer_of(base::walk_path(tree.root.get(), path, flags, 0, resolve));
        CHECK(found.code == expected.code);
        CHECK(found.inode == expected.inode);
      }
    }
  }
  CHECK(answer_of(base::walk_path(tree.root.get(), "/folder/file", O_PATH, 0, in_root)) ==
        answer_of(by_kernel(tree.root.get(), "/folder/file", O_PATH, in_root)));
  CHECK(answer_of(base::walk_path(tree.root.get(), "/folder", O_PATH, 0, beneath)).code == EXDEV);
  CHECK(answer_of(base::walk_path(tree.root.get(), "", O_PATH, 0, in_root)).code == ENOENT);
}

TEST_CASE("files are made only where nothing is, and never through a link") {
  Tree tree;
  const int flags = O_CREAT | O_EXCL | O_WRONLY;
  CHECK(base::walk_path(tree.root.get(), "folder/new", flags, 0600, in_root));
  CHECK(answer_of(base::walk_path(tree.root.get(), "folder/new", flags, 0600, in_root)).code == EEXIST);
  CHECK(answer_of(base::walk_path(tree.root.get(), "nothing/new", flags, 0600, in_root)).code == ENOENT);
}

TEST_CASE("links of procfs that lead anywhere are not followed, those that are texts are") {
  const UniqueFd proc{::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  REQUIRE(proc);
  for (const char* path : {"self/root/etc", "self/exe", "self/fd/0", "self/cwd", "self/ns/mnt"}) {
    CAPTURE(path);
    CHECK(answer_of(base::walk_path(proc.get(), path, O_PATH, 0, in_root)).code == ELOOP);
  }
  CHECK(base::walk_path(proc.get(), "self/status", O_RDONLY, 0, in_root));
  CHECK(base::walk_path(proc.get(), "mounts", O_RDONLY, 0, in_root));
}

TEST_CASE("another mount is refused where one file system was asked for") {
  const UniqueFd top{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  REQUIRE(top);
  CHECK(answer_of(base::walk_path(top.get(), "proc/version", O_RDONLY, 0, beneath | RESOLVE_NO_XDEV)).code == EXDEV);
  CHECK(base::walk_path(top.get(), "proc/version", O_RDONLY, 0, beneath));
}
