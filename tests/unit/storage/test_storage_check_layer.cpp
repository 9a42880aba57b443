#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/check_expected.hpp"
#include "storage/check_layer.hpp"
#include "storage/owners.hpp"
#include "temp_store.hpp"

using storage::OwnerRecord;
using Type = OwnerRecord::Type;

namespace {

/// A manifest of these records, open from its start.
class Manifest {
 public:
  explicit Manifest(const std::vector<OwnerRecord>& records) {
    fd_ = base::UniqueFd{::openat(dir_.fd(), "owners", O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    storage::OwnersWriter writer(fd_.get());
    for (const OwnerRecord& record : records) writer.add(record);
    writer.finish();
  }
  int fd() const {
    REQUIRE(::lseek(fd_.get(), 0, SEEK_SET) == 0);
    return fd_.get();
  }

 private:
  base::TempDir dir_;
  base::UniqueFd fd_;
};

OwnerRecord directory(const std::string& path, mode_t mode = 0755) {
  return {.type = Type::directory, .path = path, .mode = mode};
}

OwnerRecord file(const std::string& path, std::string_view content, mode_t mode = 0644) {
  return {.type = Type::file,
          .path = path,
          .mode = mode,
          .size_bytes = content.size(),
          .sha256_hex = std::string{base::sha256(content).hex()}};
}

std::vector<std::string> paths_of(const storage::ExpectedTree& tree) {
  std::vector<std::string> paths;
  for (const auto& [path, entry] : tree.entries()) paths.push_back(path);
  return paths;
}

using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("a later record replaces an earlier one with what was below it; a directory keeps it") {
  const Manifest manifest({directory("a"), file("a/one", "1"), file("a0", "x"), directory("a", 0700), directory("b"),
                           file("b/two", "2"), file("b", "now a file")});
  storage::ExpectedTree tree = storage::ExpectedTree::read(manifest.fd());
  CHECK(paths_of(tree) == Paths{"", "a", "a/one", "a0", "b"});
  CHECK(tree.inode(*tree.find("a")).mode == 0700);
  CHECK(tree.inode(*tree.find("b")).type == Type::file);
  CHECK(tree.find("b/two") == nullptr);
}

TEST_CASE("a hard link shares the inode that its target had then") {
  OwnerRecord link{.type = Type::hard_link, .path = "second", .link = "first"};
  const Manifest manifest({file("first", "old"), link, file("first", "newer")});
  storage::ExpectedTree tree = storage::ExpectedTree::read(manifest.fd());
  CHECK(tree.inode(*tree.find("second")).size_bytes == 3);
  CHECK(tree.inode(*tree.find("first")).size_bytes == 5);
  CHECK_THROWS_AS(storage::ExpectedTree::read(Manifest({link}).fd()), base::Error);
}

TEST_CASE("an opaque mark stays with its directory, and needs one") {
  const OwnerRecord mark{.type = Type::opaque, .path = "a"};
  const Manifest manifest({directory("a"), mark, directory("a", 0711)});
  storage::ExpectedTree tree = storage::ExpectedTree::read(manifest.fd());
  CHECK(tree.inode(*tree.find("a")).is_opaque);
  CHECK_THROWS_AS(storage::ExpectedTree::read(Manifest({mark}).fd()), base::Error);
}

TEST_CASE("a tree is compared with every record; only the first differences are told") {
  base::TempDir dir;
  REQUIRE(::fchmod(dir.fd(), 0755) == 0);
  base::make_directory(dir.fd(), "sub", 0755);
  storage::test::write_file(dir.fd(), "sub/file", "text");
  REQUIRE(::fchmodat(dir.fd(), "sub/file", 0644, 0) == 0);
  REQUIRE(::symlinkat("sub/file", dir.fd(), "link") == 0);
  OwnerRecord link{.type = Type::symlink, .path = "link", .link = "sub/file"};
  const auto compare = [&](const std::vector<OwnerRecord>& records) {
    return storage::compare_layer(dir.fd(), Manifest(records).fd(), storage::LayerOwners::unknown);
  };
  CHECK(compare({directory("sub"), file("sub/file", "text"), link}).count == 0);
  CHECK(compare({directory("sub"), file("sub/file", "tExt"), link}).first ==
        Paths{"the content of \"sub/file\" is not what was pulled"});
  CHECK(compare({directory("sub"), file("sub/file", "longer"), link}).first ==
        Paths{"\"sub/file\" has 4 bytes instead of 6"});
  CHECK(compare({directory("sub", 0700), file("sub/file", "text", 0600), link}).count == 2);
  CHECK(compare({link}).first == Paths{"\"sub\" does not belong there"});
  CHECK(compare({directory("sub"), file("sub/file", "text"), link, directory("gone"), file("gone/file", "")}).first ==
        Paths{"\"gone\" is missing"});
  const auto many = compare({directory("sub"), file("sub/file", "text"), link, directory("a"), directory("b"),
                             directory("c"), directory("d"), directory("e")});
  CHECK(many.count == 5);
  CHECK(many.first.size() == 3);
}
