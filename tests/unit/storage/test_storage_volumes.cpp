#include <doctest/doctest.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "storage/volumes.hpp"
#include "temp_store.hpp"

using storage::test::TempStore;

TEST_CASE("a volume is made once, found, and listed") {
  TempStore store;
  CHECK_FALSE(storage::find_volume(*store, "data").has_value());
  const storage::Volume made = storage::open_or_create_volume(*store, "data", false);
  CHECK(made.name == "data");
  CHECK_FALSE(made.created.empty());
  CHECK_FALSE(made.anonymous);
  CHECK(made.needs_copy_up);
  CHECK(made.data_path == store.root_path() + "/volumes/data/_data");
  struct stat info {};
  REQUIRE(::fstat(made.data.get(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0755);
  CHECK(storage::open_or_create_volume(*store, "data", true).created == made.created);
  storage::open_or_create_volume(*store, "anonymous", true);
  const auto volumes = storage::list_volumes(*store);
  REQUIRE(volumes.size() == 2);
  CHECK(volumes[0].anonymous);
  CHECK(volumes[1].name == "data");
  CHECK(base::list_directory(store->root(), "staging").empty());
}

TEST_CASE("a populated volume needs no copy any more") {
  TempStore store;
  storage::open_or_create_volume(*store, "data", false);
  storage::mark_volume_populated(*store, storage::lock_volume(*store, "data"), "data");
  CHECK_FALSE(storage::find_volume(*store, "data")->needs_copy_up);
}

TEST_CASE("a removed volume is gone with its data") {
  TempStore store;
  const storage::Volume volume = storage::open_or_create_volume(*store, "data", false);
  storage::test::write_file(volume.data.get(), "file", "x");
  storage::remove_volume(*store, storage::lock_volume(*store, "data"), "data");
  CHECK_FALSE(storage::find_volume(*store, "data").has_value());
  CHECK(storage::list_volumes(*store).empty());
  CHECK(base::list_directory(store->root(), "trash").empty());
  CHECK_THROWS_WITH_AS(static_cast<void>(storage::lock_volume(*store, "data")), doctest::Contains("no such volume"),
                       base::Error);
}

TEST_CASE("a name outside the grammar never becomes a path") {
  TempStore store;
  for (const char* bad : {"", "..", "../x", "/abs", "a/b", "a b"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(storage::open_or_create_volume(*store, bad, false), base::Error);
    CHECK_FALSE(storage::find_volume(*store, bad).has_value());
  }
}
