#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "storage/layout.hpp"
#include "temp_store.hpp"

using storage::Store;

namespace {

base::Error error_of_opening(const std::string& root, const std::string& run) {
  try {
    Store::open(root, run);
  } catch (const base::Error& error) {
    return error;
  }
  return {base::ErrorKind::internal, "opened"};
}

mode_t mode_of(const std::string& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

}  // namespace

TEST_CASE("a store is made private, with its format, and opened again") {
  base::TempDir folder;
  const std::string root = folder.path() + "/a/b/store";
  const std::string run = folder.path() + "/run/engine";
  {
    const Store store = Store::open(root, run);
    CHECK(base::read_file(store.root(), "format", 100) == storage::layout::format_line);
    CHECK(base::exists(store.root(), "blobs/sha256"));
  }
  CHECK(mode_of(root) == 0700);
  CHECK(mode_of(run) == 0700);
  CHECK(Store::open(root, run).root_path() == root);
}

TEST_CASE("an unknown format is refused") {
  base::TempDir folder;
  storage::test::write_file(folder.fd(), "format", "engine-store 2\n");
  const base::Error error = error_of_opening(folder.path(), folder.path() + "/run");
  CHECK(error.kind() == base::ErrorKind::unsupported);
  CHECK(error.message().find("engine-store 2") != std::string::npos);
}

TEST_CASE("a folder of containers/storage is refused with a hint") {
  for (const char* foreign : {"overlay-layers", "vfs-layers", "overlay-images"}) {
    CAPTURE(foreign);
    base::TempDir folder;
    base::make_directory(folder.fd(), foreign);
    const base::Error error = error_of_opening(folder.path(), folder.path() + "/run");
    CHECK(error.kind() == base::ErrorKind::invalid_argument);
    CHECK(error.message().find("containers/storage") != std::string::npos);
    CHECK(error.hint().find("--root") != std::string::npos);
  }
}

TEST_CASE("a folder with a stranger's files is not made a store") {
  base::TempDir folder;
  storage::test::write_file(folder.fd(), "thesis.tex", "");
  CHECK(error_of_opening(folder.path(), folder.path() + "/run").message().find("thesis.tex") != std::string::npos);
  CHECK_FALSE(base::exists(folder.fd(), "blobs"));
}

TEST_CASE("a folder whose own folders are called as a store's is not made one, as reset would empty them") {
  base::TempDir folder;
  base::make_directory(folder.fd(), "volumes");
  const base::UniqueFd images = base::make_directory(folder.fd(), "images");
  storage::test::write_file(images.get(), "photo.jpg", "x");
  const base::Error error = error_of_opening(folder.path(), folder.path() + "/run");
  CHECK(error.message().find("images/photo.jpg") != std::string::npos);
  CHECK(!base::exists(folder.fd(), "layers"));
}

TEST_CASE("a store that others may write is refused") {
  storage::test::TempStore store;
  REQUIRE(::chmod(store.root_path().c_str(), 0770) == 0);
  CHECK(error_of_opening(store.root_path(), store.run_path()).kind() == base::ErrorKind::permission);
  REQUIRE(::chmod(store.root_path().c_str(), 0700) == 0);
  REQUIRE(::chmod(store.run_path().c_str(), 0702) == 0);
  CHECK(error_of_opening(store.root_path(), store.run_path()).kind() == base::ErrorKind::permission);
}

TEST_CASE("a store made half by a killed process is completed") {
  base::TempDir folder;
  base::make_directory(folder.fd(), "layers");
  const Store store = Store::open(folder.path(), folder.path() + "-run");
  CHECK(base::exists(store.root(), "format"));
  base::remove_tree(AT_FDCWD, folder.path() + "-run");
}

TEST_CASE("the garbage lock is shared by makers and excludes the collector") {
  storage::test::TempStore store;
  const storage::GcHold first = store->hold_garbage();
  const storage::GcHold second = store->hold_garbage();
  CHECK_FALSE(base::FileLock::try_acquire(store->root(), "locks/gc", base::FileLock::Mode::exclusive).has_value());
}
