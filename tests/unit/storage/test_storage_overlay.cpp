#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.hpp"
#include "storage/layers.hpp"
#include "storage/overlay.hpp"
#include "temp_store.hpp"

using storage::RootfsRequest;
using storage::test::publish_small_layer;
using storage::test::TempStore;
using storage::test::write_file;

namespace {

struct stat status_of(int dir, const std::string& path) {
  struct stat info {};
  REQUIRE(::fstatat(dir, path.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0);
  return info;
}

std::string read_text(int dir, const std::string& path) {
  return base::read_file(dir, path, 1000);
}

/// The trees of a lower and an upper layer, to be shaped before they are merged.
struct TwoLayers {
  TempStore store;
  base::TempDir container;
  std::vector<base::Digest> chains{publish_small_layer(*store, "low"), publish_small_layer(*store, "high")};
  base::UniqueFd low = base::open_directory(storage::open_layer_diff(*store, chains[0], "single").get(), ".");
  base::UniqueFd high = base::open_directory(storage::open_layer_diff(*store, chains[1], "single").get(), ".");

  RootfsRequest request(base::RootfsDriver driver, bool read_only = false) const {
    return {.driver = driver,
            .chain_ids = chains,
            .variant = "single",
            .container_dir = container.fd(),
            .read_only = read_only,
            .volatile_upper = false};
  }
};

void make_whiteout(int dir, const std::string& name) {
  REQUIRE(::mknodat(dir, name.c_str(), S_IFCHR, 0) == 0);
}

base::UniqueFd prepare(const TwoLayers& layers, bool read_only = false) {
  const RootfsRequest request = layers.request(base::RootfsDriver::copy, read_only);
  storage::prepare_copy(*layers.store, request);
  const base::RootfsMount mount = storage::plan_rootfs(*layers.store, request);
  REQUIRE(mount.lowers.size() == 1);
  return base::open_directory(mount.lowers[0].get(), ".");
}

}  // namespace

TEST_CASE("drivers have names") {
  CHECK(storage::parse_driver("overlay") == base::RootfsDriver::overlay);
  CHECK(storage::parse_driver("fuse-overlayfs") == base::RootfsDriver::fuse_overlayfs);
  CHECK(storage::name_of(storage::parse_driver("copy")) == "copy");
  CHECK_THROWS_WITH_AS(storage::parse_driver("vfs"), doctest::Contains("unknown storage driver"), base::Error);
}

TEST_CASE("an overlay is planned with its lowers uppermost first and a fresh upper") {
  const TwoLayers layers;
  const mode_t mask = ::umask(077);
  const base::RootfsMount mount = storage::plan_rootfs(*layers.store, layers.request(base::RootfsDriver::overlay));
  ::umask(mask);
  REQUIRE(mount.lowers.size() == 2);
  CHECK(base::exists(mount.lowers[0].get(), "from-high"));
  CHECK(base::exists(mount.lowers[1].get(), "from-low"));
  CHECK((status_of(layers.container.fd(), "upper").st_mode & 07777) == 0755);
  CHECK(mount.upper);
  CHECK(mount.work);
  CHECK(status_of(layers.container.fd(), "upper").st_dev == status_of(layers.container.fd(), "work").st_dev);
  REQUIRE(::fchmodat(layers.container.fd(), "upper", 0711, 0) == 0);
  storage::plan_rootfs(*layers.store, layers.request(base::RootfsDriver::overlay));
  CHECK((status_of(layers.container.fd(), "upper").st_mode & 07777) == 0711);
}

TEST_CASE("more layers than the kernel takes are refused") {
  const TwoLayers layers;
  RootfsRequest request = layers.request(base::RootfsDriver::overlay);
  request.chain_ids.assign(501, layers.chains[0]);
  CHECK_THROWS_WITH_AS(storage::plan_rootfs(*layers.store, request), doctest::Contains("501 layers"), base::Error);
}

TEST_CASE("a merged tree applies whiteouts, opaque directories and changes of type") {
  const TwoLayers layers;
  base::make_directories(layers.low.get(), "kept/deep");
  write_file(layers.low.get(), "kept/deep/low", "low");
  base::make_directory(layers.low.get(), "hidden");
  write_file(layers.low.get(), "hidden/low", "low");
  base::make_directory(layers.low.get(), "deleted-directory");
  write_file(layers.low.get(), "deleted-directory/low", "low");
  write_file(layers.low.get(), "deleted", "low");
  write_file(layers.low.get(), "replaced", "low");
  write_file(layers.low.get(), "becomes-directory", "low");
  base::make_directory(layers.low.get(), "becomes-file");
  write_file(layers.low.get(), "becomes-file/low", "low");

  base::make_directories(layers.high.get(), "kept/deep");
  write_file(layers.high.get(), "kept/deep/high", "high");
  const base::UniqueFd opaque = base::make_directory(layers.high.get(), "hidden");
  write_file(opaque.get(), "high", "high");
  REQUIRE(::fsetxattr(opaque.get(), "user.overlay.opaque", "y", 1, 0) == 0);
  make_whiteout(layers.high.get(), "deleted-directory");
  make_whiteout(layers.high.get(), "deleted");
  make_whiteout(layers.high.get(), "never-there");
  write_file(layers.high.get(), "replaced", "high");
  base::make_directory(layers.high.get(), "becomes-directory");
  write_file(layers.high.get(), "becomes-directory/high", "high");
  write_file(layers.high.get(), "becomes-file", "high");

  const base::UniqueFd tree = prepare(layers);
  const std::vector<std::string> names{"becomes-directory", "becomes-file", "from-high", "from-low", "hidden", "kept",
                                       "replaced"};
  CHECK(base::list_directory(tree.get(), ".") == names);
  CHECK(base::list_directory(tree.get(), "kept/deep") == std::vector<std::string>{"high", "low"});
  CHECK(base::list_directory(tree.get(), "hidden") == std::vector<std::string>{"high"});
  CHECK(base::list_directory(tree.get(), "becomes-directory") == std::vector<std::string>{"high"});
  CHECK(read_text(tree.get(), "becomes-file") == "high");
  CHECK(read_text(tree.get(), "replaced") == "high");
  const base::UniqueFd hidden = base::open_directory(tree.get(), "hidden");
  CHECK(::fgetxattr(hidden.get(), "user.overlay.opaque", nullptr, 0) == -1);
}

TEST_CASE("the read-only tree shares files with the layers, the writable one shares none") {
  const TwoLayers layers;
  const base::UniqueFd read_only = prepare(layers, true);
  CHECK(status_of(read_only.get(), "from-low").st_ino == status_of(layers.low.get(), "from-low").st_ino);
  CHECK_FALSE(base::exists(layers.container.fd(), "tree"));
  const base::UniqueFd writable = prepare(layers);
  CHECK(status_of(writable.get(), "from-low").st_ino != status_of(layers.low.get(), "from-low").st_ino);
  write_file(writable.get(), "from-low", "changed");
  CHECK(read_text(layers.low.get(), "from-low") == "low");
  CHECK(read_text(read_only.get(), "from-low") == "low");
  CHECK(base::list_directory(layers.store->root(), "staging").empty());
}

TEST_CASE("a container's copied tree is made once") {
  const TwoLayers layers;
  base::make_directories(layers.container.fd(), ".tree-new/left/by/a/killed/process");
  const base::UniqueFd first = prepare(layers);
  write_file(first.get(), "from-low", "changed");
  CHECK_FALSE(base::exists(first.get(), "left"));
  const base::UniqueFd again = prepare(layers);
  CHECK(read_text(again.get(), "from-low") == "changed");
  CHECK(storage::prepare_copy(*layers.store, layers.request(base::RootfsDriver::copy)) == 0);
}

TEST_CASE("a copy keeps modes, times, attributes, links, holes and special files") {
  const TwoLayers layers;
  const int low = layers.low.get();
  base::make_directory(low, "dir");
  write_file(low, "dir/file", "text", 0600);
  REQUIRE(::fchmodat(low, "dir/file", 04711, 0) == 0);
  REQUIRE(::linkat(low, "dir/file", low, "link", 0) == 0);
  REQUIRE(::symlinkat("../nowhere/\xff", low, "dir/symlink") == 0);
  REQUIRE(::mkfifoat(low, "fifo", 0640) == 0);
  const base::UniqueFd sparse{::openat(low, "sparse", O_RDWR | O_CREAT | O_CLOEXEC, 0644)};
  REQUIRE(::pwrite(sparse.get(), "middle", 6, 1 << 20) == 6);
  REQUIRE(::ftruncate(sparse.get(), 4 << 20) == 0);
  REQUIRE(::fsetxattr(sparse.get(), "user.color", "blue", 4, 0) == 0);
  const timespec times[2] = {{1, 2}, {1000000000, 123456789}};
  for (const char* name : {"dir/file", "dir/symlink", "fifo", "dir"}) {
    REQUIRE(::utimensat(low, name, times, AT_SYMLINK_NOFOLLOW) == 0);
  }
  REQUIRE(::fchmodat(low, "dir", 01555, 0) == 0);

  const base::UniqueFd tree = prepare(layers);
  CHECK((status_of(tree.get(), "dir/file").st_mode & 07777) == 04711);
  CHECK((status_of(tree.get(), "dir").st_mode & 07777) == 01555);
  CHECK((status_of(tree.get(), "fifo").st_mode & (S_IFMT | 07777)) == (S_IFIFO | 0640));
  for (const char* name : {"dir/file", "dir/symlink", "fifo", "dir"}) {
    CAPTURE(name);
    CHECK(status_of(tree.get(), name).st_mtim.tv_sec == 1000000000);
    CHECK(status_of(tree.get(), name).st_mtim.tv_nsec == 123456789);
  }
  CHECK(status_of(tree.get(), "dir/file").st_ino == status_of(tree.get(), "link").st_ino);
  CHECK(status_of(tree.get(), "link").st_nlink == 2);
  char text[32] = {};
  REQUIRE(::readlinkat(tree.get(), "dir/symlink", text, sizeof text) == 12);
  CHECK(std::string_view{text} == "../nowhere/\xff");
  const base::UniqueFd copy{::openat(tree.get(), "sparse", O_RDONLY | O_CLOEXEC)};
  CHECK(status_of(tree.get(), "sparse").st_size == 4 << 20);
  CHECK(status_of(tree.get(), "sparse").st_blocks == status_of(low, "sparse").st_blocks);
  char middle[7] = {};
  REQUIRE(::pread(copy.get(), middle, 6, 1 << 20) == 6);
  CHECK(std::string_view{middle} == "middle");
  char color[8] = {};
  REQUIRE(::fgetxattr(copy.get(), "user.color", color, sizeof color) == 4);
  CHECK(std::string_view{color} == "blue");
}

TEST_CASE("a copy keeps owners and capabilities where this process may give them") {
  const TwoLayers layers;
  const int low = layers.low.get();
  base::make_directory(low, "dir");
  write_file(low, "dir/program", "text", 0755);
  REQUIRE(::symlinkat("program", low, "dir/link") == 0);
  bool may_give_away = true;
  for (const char* name : {"dir/program", "dir/link", "dir"}) {
    may_give_away = ::fchownat(low, name, 1234, 5678, AT_SYMLINK_NOFOLLOW) == 0 && may_give_away;
  }
  // cap_net_raw=ep in the form VFS_CAP_REVISION_2. Source: linux/capability.h
  constexpr char capability[20] = {1, 0, 0, 2, 0, 0x20};
  const base::UniqueFd program = *base::try_open_file(low, "dir/program");
  const bool may_set_capability =
      ::fsetxattr(program.get(), "security.capability", capability, sizeof capability, 0) == 0;

  const base::UniqueFd tree = prepare(layers);
  for (const char* name : {"dir/program", "dir/link", "dir"}) {
    CAPTURE(name);
    CHECK(status_of(tree.get(), name).st_uid == status_of(low, name).st_uid);
    CHECK(status_of(tree.get(), name).st_gid == status_of(low, name).st_gid);
    if (may_give_away) CHECK(status_of(tree.get(), name).st_gid == 5678);
  }
  const base::UniqueFd copy = *base::try_open_file(tree.get(), "dir/program");
  char kept[64] = {};
  const ssize_t size = ::fgetxattr(copy.get(), "security.capability", kept, sizeof kept);
  if (may_set_capability)
    CHECK(std::string_view(kept, static_cast<std::size_t>(size)) == std::string_view(capability, 20));
}

TEST_CASE("a tree deeper than the limit of descriptors is merged and copied") {
  const TwoLayers layers;
  constexpr int depth = 1500;
  base::UniqueFd at = base::open_directory(layers.low.get(), ".");
  for (int level = 0; level < depth; ++level) at = base::make_directory(at.get(), "d");
  write_file(at.get(), "bottom", "text");
  base::UniqueFd copy = prepare(layers);
  for (int level = 0; level < depth; ++level) copy = base::open_directory(copy.get(), "d");
  CHECK(read_text(copy.get(), "bottom") == "text");
}
