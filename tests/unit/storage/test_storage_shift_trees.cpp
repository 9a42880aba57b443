#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/scope_exit.hpp"
#include "storage/shift_trees.hpp"

using namespace storage;

namespace {

constexpr std::uint32_t nobody_else = 4'000'000;  // an id that owns nothing here

/// Two folders of our own: a tree, and where it is made again.
struct Trees {
  base::TempDir dir;
  base::UniqueFd source = base::make_directory(dir.fd(), "source");
  base::UniqueFd target = base::make_directory(dir.fd(), "target");

  std::vector<ShiftedTree> list() const {
    std::vector<ShiftedTree> trees;
    trees.push_back({base::duplicate(source.get()), base::duplicate(target.get())});
    return trees;
  }
  struct stat at(const base::UniqueFd& root, const std::string& path) const {
    struct stat info {};
    REQUIRE(::fstatat(root.get(), path.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0);
    return info;
  }
  void write(const std::string& path, std::string_view text) const {
    const base::UniqueFd file{::openat(source.get(), path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640)};
    REQUIRE(file);
    base::write_all(file.get(), text);
  }
};

/// Our own ids stay what they are; `root`: who is root of both variants.
OwnerTranslation same_owners(std::uint32_t root) {
  return {.uids = {{::geteuid(), ::geteuid(), 1}}, .gids = {{::getegid(), ::getegid(), 1}}, .root_uid = root};
}

void shift(const Trees& trees, const OwnerTranslation& translation, unsigned threads = 3) {
  const mode_t before = ::umask(0);
  const auto restore = base::on_scope_exit([&] { ::umask(before); });
  shift_trees(trees.list(), translation, threads, [](std::uint64_t) {});
}

void make_tree(const Trees& trees) {
  trees.write("file", "content");
  base::make_directory(trees.source.get(), "folder");
  trees.write("folder/inner", std::string(300'000, 'x'));
  REQUIRE(::linkat(trees.source.get(), "folder/inner", trees.source.get(), "again", 0) == 0);
  REQUIRE(::symlinkat("file", trees.source.get(), "link") == 0);
  REQUIRE(::mkfifoat(trees.source.get(), "fifo", 0640) == 0);
  REQUIRE(::fchmodat(trees.source.get(), "file", 0751, 0) == 0);
  REQUIRE(::fchmodat(trees.source.get(), "folder", 0555, 0) == 0);
  const timespec times[] = {{1'000'000, 5}, {1'234'567, 89}};
  for (const char* path : {"file", "link", "folder", "."})
    REQUIRE(::utimensat(trees.source.get(), path, times, AT_SYMLINK_NOFOLLOW) == 0);
}

void check_same(const Trees& trees) {
  for (const char* path : {".", "file", "folder", "folder/inner", "again", "link", "fifo"}) {
    CAPTURE(path);
    const struct stat before = trees.at(trees.source, path);
    const struct stat after = trees.at(trees.target, path);
    CHECK(before.st_mode == after.st_mode);
    if (!S_ISDIR(before.st_mode)) CHECK(before.st_size == after.st_size);
    CHECK(before.st_mtim.tv_sec == after.st_mtim.tv_sec);
    CHECK(before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
  }
  CHECK(base::read_file(trees.target.get(), "file", 100) == "content");
  CHECK(base::read_file(trees.target.get(), "again", 1 << 20) == std::string(300'000, 'x'));
  CHECK(trees.at(trees.target, "again").st_ino == trees.at(trees.target, "folder/inner").st_ino);
}

}  // namespace

TEST_CASE("a shifted tree is a copy with everything but its owners") {
  const Trees trees;
  make_tree(trees);
  shift(trees, same_owners(nobody_else));
  check_same(trees);
  CHECK(trees.at(trees.source, "file").st_ino != trees.at(trees.target, "file").st_ino);
  CHECK(trees.at(trees.target, "again").st_nlink == 2);
}

TEST_CASE("files whose owner stays are links, when root stays too") {
  const Trees trees;
  make_tree(trees);
  shift(trees, same_owners(::geteuid()));
  check_same(trees);
  CHECK(trees.at(trees.source, "file").st_ino == trees.at(trees.target, "file").st_ino);
  CHECK(trees.at(trees.source, "folder").st_ino != trees.at(trees.target, "folder").st_ino);
}

TEST_CASE("holes stay holes") {
  const Trees trees;
  trees.write("sparse", "begin");
  REQUIRE(::truncate((trees.dir.path() + "/source/sparse").c_str(), 8 << 20) == 0);
  shift(trees, same_owners(nobody_else));
  CHECK(trees.at(trees.target, "sparse").st_size == 8 << 20);
  CHECK(trees.at(trees.target, "sparse").st_blocks <= trees.at(trees.source, "sparse").st_blocks);
}

TEST_CASE("an opaque directory stays opaque") {
  const Trees trees;
  const base::UniqueFd folder = base::make_directory(trees.source.get(), "folder");
  if (::fsetxattr(folder.get(), "user.overlay.opaque", "y", 1, 0) != 0) return;  // no such attributes here
  shift(trees, same_owners(nobody_else));
  char value = 0;
  const base::UniqueFd copy = base::open_directory(trees.target.get(), "folder");
  CHECK(::fgetxattr(copy.get(), "user.overlay.opaque", &value, 1) == 1);
  CHECK(value == 'y');
}

TEST_CASE("an owner that the other map lacks is an error that names the file") {
  const Trees trees;
  trees.write("file", "content");
  OwnerTranslation translation = same_owners(nobody_else);
  translation.uids = {{nobody_else, nobody_else, 1}};
  CHECK_THROWS_WITH_AS(shift(trees, translation), doctest::Contains("owner does not exist"), base::Error);
}

TEST_CASE("trees may be deeper than descriptors may be open, and wide") {
  const Trees trees;
  base::UniqueFd at = base::duplicate(trees.source.get());
  for (int depth = 0; depth < 300; ++depth) {
    base::create_file_exclusively(at.get(), "f", "x", base::Durability::volatile_);
    base::make_directory(at.get(), "side");
    at = base::make_directory(at.get(), "d");
  }
  shift(trees, same_owners(nobody_else), 8);
  at = base::duplicate(trees.target.get());
  for (int depth = 0; depth < 300; ++depth) {
    REQUIRE(base::exists(at.get(), "f"));
    REQUIRE(base::exists(at.get(), "side"));
    at = base::open_directory(at.get(), "d");
  }
}

TEST_CASE("what a report throws ends the work") {
  const Trees trees;
  make_tree(trees);
  CHECK_THROWS_AS(shift_trees(trees.list(), same_owners(nobody_else), 2,
                              [](std::uint64_t) {
                                throw base::Error{base::ErrorKind::interrupted, "stop"};
                              }),
                  base::Error);
}

TEST_CASE("ranges of owners are text and back") {
  const std::vector<OwnerRange> ranges = parse_owner_ranges("0:1:1000,1000:0:1");
  REQUIRE(ranges.size() == 2);
  CHECK(ranges[1].from == 1000);
  CHECK(owner_ranges_text(ranges) == "0:1:1000,1000:0:1");
  CHECK(parse_owner_ranges(owner_ranges_text({})).empty());
  for (const char* bad : {"", "1:2", "1:2:x", "1:2:3,"}) CHECK_THROWS_AS(parse_owner_ranges(bad), base::Error);
}

TEST_CASE("a translation gives owners, or all to one") {
  OwnerTranslation translation{.uids = {{0, 1, 10}}, .gids = {{0, 5, 10}}, .root_uid = 1};
  struct stat info {};
  info.st_uid = 3;
  info.st_gid = 4;
  REQUIRE(translation.apply(info));
  CHECK(translation.apply(info)->st_uid == 4);
  CHECK(translation.apply(info)->st_gid == 9);
  CHECK_FALSE(translation.keeps_root());
  info.st_uid = 10;
  CHECK_FALSE(translation.apply(info));
  translation.single = true;
  CHECK(translation.apply(info)->st_uid == 0);
}
