#include <doctest/doctest.h>
#include <map>

#include "base/error.hpp"
#include "storage/images.hpp"
#include "storage/layout.hpp"
#include "storage/refs.hpp"
#include "temp_store.hpp"

using storage::test::put_small_image;
using storage::test::TempStore;

namespace {

std::optional<base::Digest> manifest_of(const storage::Store& store, std::string_view text) {
  auto image = storage::find_image(store, text);
  if (!image) return std::nullopt;
  return image->record.manifest;
}

}  // namespace

TEST_CASE("an image record is read back as it was put") {
  TempStore store;
  const base::Digest chain = storage::test::publish_small_layer(*store, "one");
  storage::ImageRecord record = put_small_image(*store, "busybox", {chain});
  record.index = storage::test::digest_of("index");
  record.size_bytes = 12345678901;
  storage::put_image(*store, store->hold_garbage(), record);
  const auto read = storage::read_image(*store, record.manifest);
  REQUIRE(read.has_value());
  CHECK(read->config == record.config);
  CHECK(read->index == record.index);
  CHECK(read->chain_ids == record.chain_ids);
  CHECK(read->size_bytes == 12345678901);
  CHECK(read->created == record.created);
  CHECK(storage::read_image_config(*store, *read).author == "busybox");
}

TEST_CASE("an image whose parts went away is not put") {
  TempStore store;
  storage::ImageRecord record = put_small_image(*store, "busybox", {});
  record.chain_ids.push_back(storage::test::digest_of("no such layer"));
  CHECK_THROWS_WITH_AS(storage::put_image(*store, store->hold_garbage(), record), doctest::Contains("went away"),
                       base::Error);
}

TEST_CASE("a name is set, moved to another image, and removed") {
  TempStore store;
  const auto first = put_small_image(*store, "first", {});
  const auto second = put_small_image(*store, "second", {});
  const std::string name = "docker.io/library/busybox:latest";
  CHECK_FALSE(storage::find_by_ref(*store, name).has_value());
  storage::set_ref(*store, store->hold_garbage(), name, first.manifest);
  CHECK(storage::find_by_ref(*store, name)->manifest == first.manifest);
  storage::set_ref(*store, store->hold_garbage(), name, second.manifest);
  CHECK(storage::find_by_ref(*store, name)->manifest == second.manifest);
  CHECK(base::read_file(store->root(), storage::layout::ref(name), 200) == second.manifest.text() + " 2\n");
  CHECK(storage::remove_ref(*store, name));
  CHECK_FALSE(storage::remove_ref(*store, name));
}

TEST_CASE("a name too long for a file name is listed in full") {
  TempStore store;
  const auto record = put_small_image(*store, "long", {});
  const std::string name = "registry.example/" + std::string(240, 'n') + ":tag";
  storage::set_ref(*store, store->hold_garbage(), name, record.manifest);
  CHECK(storage::find_by_ref(*store, name).has_value());
  CHECK(storage::list_images(*store).at(0).names == std::vector{name});
}

TEST_CASE("a damaged tag file hides no other, and that there is one is known") {
  TempStore store;
  const auto record = put_small_image(*store, "one", {});
  storage::set_ref(*store, store->hold_garbage(), "localhost/one:1", record.manifest);
  CHECK_FALSE(storage::has_damaged_refs(*store));
  for (const char* damaged : {"", "nonsense", "sha256:12 1\n"}) {
    CAPTURE(damaged);
    storage::test::write_file(store->root(), "refs/localhost%2Fone:2", damaged);
    CHECK(storage::has_damaged_refs(*store));
    CHECK(storage::list_images(*store).at(0).names == std::vector<std::string>{"localhost/one:1"});
  }
}

TEST_CASE("an image is found by every form of its name") {
  TempStore store;
  const auto record = put_small_image(*store, "busybox", {});
  storage::set_ref(*store, store->hold_garbage(), "docker.io/library/busybox:latest", record.manifest);
  for (const char* text :
       {"busybox", "busybox:latest", "docker.io/busybox", "library/busybox", "docker.io/library/busybox"}) {
    CAPTURE(text);
    CHECK(manifest_of(*store, text) == record.manifest);
    CHECK(storage::resolve_image(*store, text)->name == "docker.io/library/busybox:latest");
  }
  for (const char* text : {"busybox:1", "quay.io/busybox", "busy", "UPPER", "", "-"}) {
    CAPTURE(text);
    CHECK_FALSE(storage::find_image(*store, text).has_value());
  }
}

TEST_CASE("an image built here wins over one of the same name on Docker Hub") {
  TempStore store;
  const auto hub = put_small_image(*store, "hub", {});
  const auto local = put_small_image(*store, "local", {});
  storage::set_ref(*store, store->hold_garbage(), "docker.io/library/app:latest", hub.manifest);
  storage::set_ref(*store, store->hold_garbage(), "localhost/app:latest", local.manifest);
  CHECK(manifest_of(*store, "app") == local.manifest);
  CHECK(manifest_of(*store, "docker.io/app") == hub.manifest);
}

TEST_CASE("an image is found by digest of its manifest or index, within its repository") {
  TempStore store;
  auto record = put_small_image(*store, "busybox", {});
  record.index = storage::test::digest_of("index");
  storage::put_image(*store, store->hold_garbage(), record);
  storage::set_ref(*store, store->hold_garbage(), "docker.io/library/busybox:1", record.manifest);
  CHECK(manifest_of(*store, "busybox@" + record.manifest.text()) == record.manifest);
  CHECK(manifest_of(*store, "busybox@" + record.index->text()) == record.manifest);
  CHECK_FALSE(manifest_of(*store, "alpine@" + record.manifest.text()).has_value());
  CHECK_FALSE(manifest_of(*store, "busybox@" + storage::test::digest_of("x").text()).has_value());
}

TEST_CASE("an image is found by its id or a unique prefix, and a name wins over an id") {
  TempStore store;
  const auto record = put_small_image(*store, "busybox", {});
  const std::string id{record.config.hex()};
  CHECK(manifest_of(*store, id) == record.manifest);
  CHECK(manifest_of(*store, "sha256:" + id) == record.manifest);
  CHECK(manifest_of(*store, id.substr(0, 2)) == record.manifest);
  CHECK_FALSE(manifest_of(*store, id.substr(0, 1)).has_value());
  const auto named = put_small_image(*store, "named", {});
  storage::set_ref(*store, store->hold_garbage(), "docker.io/library/" + id.substr(0, 12) + ":latest", named.manifest);
  CHECK(manifest_of(*store, id.substr(0, 12)) == named.manifest);
}

TEST_CASE("an ambiguous prefix is an error") {
  TempStore store;
  std::map<std::string, int> seen;
  std::string twice;
  for (int number = 0; twice.empty(); ++number) {
    const auto record = put_small_image(*store, "image" + std::to_string(number), {});
    const std::string prefix{record.config.hex().substr(0, 2)};
    if (++seen[prefix] == 2) twice = prefix;
  }
  CHECK_THROWS_WITH_AS(storage::find_image(*store, twice), doctest::Contains("more than one image"), base::Error);
}

TEST_CASE("all images are listed, the newest first, with all their names") {
  TempStore store;
  const auto old = put_small_image(*store, "old", {}, "2024-01-01T00:00:00Z");
  const auto young = put_small_image(*store, "young", {}, "2026-01-01T00:00:00Z");
  storage::set_ref(*store, store->hold_garbage(), "docker.io/library/old:b", old.manifest);
  storage::set_ref(*store, store->hold_garbage(), "docker.io/library/old:a", old.manifest);
  storage::test::write_file(store->root(), "refs/.ref.temporary", "half");
  storage::test::write_file(store->root(), "refs/damaged", "");
  storage::test::write_file(store->root(), "images/" + std::string(64, '0'), "{");
  const auto images = storage::list_images(*store);
  REQUIRE(images.size() == 2);
  CHECK(images[0].record.manifest == young.manifest);
  CHECK(images[0].names.empty());
  const std::vector<std::string> names{"docker.io/library/old:a", "docker.io/library/old:b"};
  CHECK(images[1].names == names);
}
