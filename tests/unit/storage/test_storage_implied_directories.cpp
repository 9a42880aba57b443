#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/implied_directories.hpp"
#include "tests/unit/storage/tar_fixture.hpp"

using namespace storage;
using namespace storage::test;

namespace {

class Bytes final : public base::Source {
 public:
  explicit Bytes(std::string bytes) : bytes_(std::move(bytes)) {}
  std::size_t read(void* buffer, std::size_t size) override {
    const std::size_t count = bytes_.copy(static_cast<char*>(buffer), size, at_);
    at_ += count;
    return count;
  }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

/// Layers one over the other, each unpacked alone and then completed from those below, as pull does it.
class Layers {
 public:
  UnpackResult add(TarBuilder archive) {
    const std::string name = base::concat("layer-", count_);
    const base::UniqueFd target = base::make_directory(dir_.fd(), name);
    const std::string bytes = archive.end().bytes();
    Bytes source{bytes};
    const UnpackResult result = unpack_layer({.compressed = source,
                                              .compression = oci::LayerCompression::none,
                                              .expected_diff_id = base::sha256(bytes),
                                              .target_dir = target.get(),
                                              .owners = OwnerPolicy::single,
                                              .limits = {}});
    std::vector<LowerLayer> lowers;
    for (int lower = count_; lower-- > 0;)
      lowers.push_back({dir_.fd(), base::concat("layer-", lower, "/diff"), base::concat("layer-", lower, "/owners")});
    adopt_implied_directories(target.get(), lowers, OwnerPolicy::single);
    ++count_;
    return result;
  }

  /// Of the highest layer.
  struct stat look(const std::string& path) const {
    struct stat info {};
    REQUIRE(::fstatat(dir_.fd(), top("diff/" + path).c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0);
    return info;
  }
  mode_t mode(const std::string& path) const { return look(path).st_mode & 07777; }
  std::string xattr(const std::string& path, const char* name) const {
    char value[64];
    const ssize_t size = ::getxattr((dir_.path() + "/" + top("diff/" + path)).c_str(), name, value, sizeof value);
    return size < 0 ? "" : std::string(value, static_cast<std::size_t>(size));
  }
  /// The last record for `path`, which is the one that counts.
  OwnerRecord owner(const std::string& path) const {
    const base::UniqueFd fd{::openat(dir_.fd(), top("owners").c_str(), O_RDONLY | O_CLOEXEC)};
    OwnersReader reader(fd.get());
    OwnerRecord found;
    while (auto record = reader.next())
      if (record->path == path && record->type == OwnerRecord::Type::directory) found = *record;
    return found;
  }
  bool has(const std::string& name) const { return base::exists(dir_.fd(), top(name)); }

 private:
  std::string top(const std::string& path) const { return base::concat("layer-", count_ - 1, "/", path); }
  base::TempDir dir_;
  int count_ = 0;
};

TarItem directory(const std::string& name, unsigned mode, unsigned uid = 0) {
  return {.name = name, .type = '5', .mode = mode, .uid = uid, .gid = uid + 1, .mtime = 1'500'000'000};
}

}  // namespace

TEST_CASE("a directory that a layer does not list is as the layer below says") {
  Layers layers;
  layers.add(TarBuilder{}
                 .add(directory("./", 0711))
                 .pax({{"SCHILY.xattr.user.note", "kept"}})
                 .add(directory("tmp", 01777, 7))
                 .add(directory("tmp/deep", 0700, 8)));
  const UnpackResult result = layers.add(TarBuilder{}.file("tmp/deep/f").file("new/f"));
  CHECK(result.implied_directories == 4);
  CHECK(layers.mode(".") == 0711);
  CHECK(layers.mode("tmp") == 01777);
  CHECK(layers.mode("tmp/deep") == 0700);
  CHECK(layers.mode("new") == 0755);
  CHECK(layers.look("tmp").st_mtim.tv_sec == 1'500'000'000);
  CHECK(layers.xattr("tmp", "user.note") == "kept");
  CHECK(layers.owner("tmp").uid == 7);
  CHECK(layers.owner("tmp").gid == 8);
  CHECK(layers.owner("tmp").mode == 01777);
  CHECK(layers.owner("tmp/deep").uid == 8);
  CHECK(layers.owner("new").uid == 0);
  CHECK_FALSE(layers.has("implied"));
}

TEST_CASE("it may be many layers below, and goes on from layer to layer") {
  Layers layers;
  layers.add(TarBuilder{}.add(directory("d", 0710, 5)));
  layers.add(TarBuilder{}.file("other"));
  layers.add(TarBuilder{}.file("d/f"));
  CHECK(layers.mode("d") == 0710);
  layers.add(TarBuilder{}.file("d/g"));
  CHECK(layers.mode("d") == 0710);
  CHECK(layers.owner("d").uid == 5);
  layers.add(TarBuilder{}.add(directory("d", 0700, 6)));
  layers.add(TarBuilder{}.file("d/h"));
  CHECK(layers.mode("d") == 0700);
  CHECK(layers.owner("d").uid == 6);
}

TEST_CASE("what is hidden from a directory that a layer does not list stays hidden") {
  struct Row {
    const char* what;
    TarBuilder between;
    TarBuilder top;
    mode_t mode;
  };
  for (Row& row : std::vector<Row>{
           {"whiteout below", TarBuilder{}.file(".wh.d", ""), TarBuilder{}.file("d/e/f"), 0755},
           {"whiteout of its parent", TarBuilder{}.file("d/.wh.e", ""), TarBuilder{}.file("d/e/f"), 0755},
           {"a file in its place", TarBuilder{}.file("d"), TarBuilder{}.file("d/e/f"), 0755},
           {"a link in its place", TarBuilder{}.symlink("d", "elsewhere"), TarBuilder{}.file("d/e/f"), 0755},
           {"opaque directory above it", TarBuilder{}.file("d/.wh..wh..opq", ""), TarBuilder{}.file("d/e/f"), 0755},
           {"opaque root", TarBuilder{}.file(".wh..wh..opq", ""), TarBuilder{}.file("d/e/f"), 0755},
           {"whiteout in the layer itself", TarBuilder{}.file("x"), TarBuilder{}.file(".wh.d", "").file("d/e/f"), 0755},
           {"the same in the other order", TarBuilder{}.file("x"), TarBuilder{}.file("d/e/f").file("d/.wh.e", ""),
            0755},
           {"opaque in the layer itself, above", TarBuilder{}.file("x"),
            TarBuilder{}.file("d/.wh..wh..opq", "").file("d/e/f"), 0755},
           {"opaque itself: only what is in it is hidden", TarBuilder{}.file("x"),
            TarBuilder{}.file("d/e/.wh..wh..opq", "").file("d/e/f"), 0700},
           {"a whiteout of something else", TarBuilder{}.file("d/.wh.x", ""), TarBuilder{}.file("d/e/f"), 0700},
       }) {
    CAPTURE(row.what);
    Layers layers;
    layers.add(TarBuilder{}.add(directory("d", 0711)).add(directory("d/e", 0700)).file("d/x"));
    layers.add(std::move(row.between));
    layers.add(std::move(row.top));
    CHECK(layers.mode("d/e") == row.mode);
  }
}

TEST_CASE("a link of a layer below is never followed") {
  const base::TempDir outside;
  REQUIRE(::fchmod(outside.fd(), 0700) == 0);
  Layers layers;
  layers.add(TarBuilder{}.symlink("d", outside.path()));
  layers.add(TarBuilder{}.file("d/f"));
  CHECK(layers.mode("d") == 0755);
}

TEST_CASE("a layer whose root is opaque says so beside its tree") {
  Layers layers;
  layers.add(TarBuilder{}.file("a"));
  CHECK_FALSE(layers.has("opaque"));
  layers.add(TarBuilder{}.file("b").file(".wh..wh..opq", ""));
  CHECK(layers.has("opaque"));
  layers.add(TarBuilder{}.file("c/.wh..wh..opq", ""));
  CHECK_FALSE(layers.has("opaque"));
}

TEST_CASE("a manifest that is not whole is not gone on with") {
  const base::TempDir dir;
  for (const char* text : {"", "engine-owners 1\n", "engine-owners 1\nend 0", "engine-owners 1\nend x\n"}) {
    CAPTURE(text);
    base::write_file_atomically(dir.fd(), "owners", text);
    const base::UniqueFd fd{::openat(dir.fd(), "owners", O_RDWR | O_CLOEXEC)};
    CHECK_THROWS_AS(OwnersWriter::reopen(fd.get()), base::Error);
  }
}

// Looked up from the root for each of its ancestors, such a path would cost minutes.
TEST_CASE("a path a thousand directories deep is completed at once, also below an opaque directory") {
  std::string deep;
  for (int level = 0; level < 1000; ++level) deep += "d/";
  Layers layers;
  layers.add(TarBuilder{}.add(directory("d", 0711)).pax({{"path", deep + "f"}}).file("f"));
  layers.add(TarBuilder{}.pax({{"path", deep + "g"}}).file("g"));
  CHECK(layers.mode("d") == 0711);
  CHECK(layers.mode(deep) == 0755);
  layers.add(TarBuilder{}.file("d/.wh..wh..opq").pax({{"path", deep + "g"}}).file("g"));
  CHECK(layers.mode("d/d") == 0755);
}
