#include <doctest/doctest.h>

#include "storage/blobs.hpp"
#include "storage/containers.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"
#include "storage/prune.hpp"
#include "storage/staging.hpp"
#include "temp_store.hpp"

using storage::test::publish_small_layer;
using storage::test::put_small_image;
using storage::test::TempStore;

namespace {

void collect(const storage::Store& store) {
  const storage::GcLock lock = store.lock_garbage();
  storage::move_garbage(store, lock, storage::find_garbage(store, lock));
}

void remove(const storage::Store& store, const storage::ImageRecord& record) {
  storage::remove_image(store, store.lock_garbage(), record);
}

void create_from(const storage::Store& store, const storage::ImageRecord& image) {
  storage::ContainerRecord record;
  record.id = storage::test::id_of('a');
  record.image_id = std::string{image.config.hex()};
  record.manifest = image.manifest.text();
  for (const base::Digest& chain : image.chain_ids) record.chain_ids.push_back(chain.text());
  storage::finish_container(storage::create_container(store, store.hold_garbage(), record, "{}", false).dir);
}

}  // namespace

TEST_CASE("a removed image takes its names and what only it used") {
  TempStore store;
  const base::Digest shared = publish_small_layer(*store, "shared");
  const base::Digest own = publish_small_layer(*store, "own");
  base::make_directories(store->root(), storage::layout::merged(own, "single") + "/tree");
  const auto first = put_small_image(*store, "first", {shared, own});
  const auto second = put_small_image(*store, "second", {shared});
  storage::set_ref(*store, store->hold_garbage(), "docker.io/library/first:latest", first.manifest);
  remove(*store, first);
  CHECK_FALSE(storage::find_by_ref(*store, "docker.io/library/first:latest").has_value());
  CHECK(storage::list_images(*store).size() == 1);
  CHECK_FALSE(storage::has_layer(*store, own, "single"));
  CHECK_FALSE(base::exists(store->root(), storage::layout::merged(own, "single")));
  CHECK_FALSE(storage::has_blob(*store, first.config));
  CHECK_FALSE(storage::has_blob(*store, first.manifest));
  CHECK_FALSE(storage::has_blob(*store, storage::test::digest_of("blob own")));
  CHECK(storage::has_layer(*store, shared, "single"));
  CHECK(storage::has_blob(*store, storage::test::digest_of("blob shared")));
  CHECK(storage::has_blob(*store, second.config));
  CHECK(base::list_directory(store->root(), "trash").size() == 5);
  CHECK(storage::empty_trash(*store));
}

TEST_CASE("what a container uses stays when its image is removed, and goes after the container") {
  TempStore store;
  const base::Digest chain = publish_small_layer(*store, "one");
  const auto image = put_small_image(*store, "image", {chain});
  create_from(*store, image);
  remove(*store, image);
  CHECK(storage::list_images(*store).empty());
  CHECK(storage::has_layer(*store, chain, "single"));
  CHECK(storage::has_blob(*store, image.config));
  CHECK(storage::has_blob(*store, image.manifest));
  const auto container = storage::find_container(*store, storage::test::id_of('a'));
  storage::remove_container(*store, *container, storage::lock_container(*container));
  collect(*store);
  CHECK_FALSE(storage::has_layer(*store, chain, "single"));
  CHECK_FALSE(storage::has_blob(*store, image.config));
}

TEST_CASE("garbage is exactly what no image, container or living work reaches") {
  TempStore store;
  const base::Digest used = publish_small_layer(*store, "used");
  const base::Digest lost = publish_small_layer(*store, "lost");
  const base::Digest awaited = publish_small_layer(*store, "awaited");
  base::make_directories(store->root(), storage::layout::merged(used, "single") + "/tree");
  base::make_directories(store->root(), storage::layout::merged(storage::test::digest_of("no layer"), "single"));
  put_small_image(*store, "image", {used});
  const storage::Staging pull = storage::Staging::begin(*store);
  pull.keep(store->hold_garbage(), {awaited});
  const auto garbage = storage::find_garbage(*store, store->lock_garbage());
  const std::vector<std::string> expected{storage::layout::merged(storage::test::digest_of("no layer"), "single"),
                                          storage::layout::layer(lost),
                                          storage::layout::blob(storage::test::digest_of("blob lost"))};
  CHECK(base::join(garbage.paths, " ") == base::join(expected, " "));
  CHECK(garbage.layers == 1);
  CHECK(garbage.blobs == 1);
  CHECK(garbage.content_bytes == 4 + 9);
}

TEST_CASE("what living work has let go of is garbage although the work goes on") {
  TempStore store;
  const base::Digest chain = publish_small_layer(*store, "one");
  const storage::Staging pull = storage::Staging::begin(*store);
  pull.keep(store->hold_garbage(), {chain});
  const auto image = put_small_image(*store, "image", {chain});
  pull.let_go(store->hold_garbage());
  remove(*store, image);
  CHECK_FALSE(storage::has_layer(*store, chain, "single"));
}

TEST_CASE("temporary files of killed processes are garbage") {
  TempStore store;
  storage::test::write_file(store->root(), "refs/.name.0123", "");
  storage::test::write_file(store->root(), "images/.hex.0123", "");
  const base::Digest blob = storage::test::digest_of("x");
  storage::put_blob(*store, blob, "x");
  storage::test::write_file(store->root(), storage::layout::blob_dir(blob) + "/.hex.0123", "");
  collect(*store);
  CHECK(base::list_directory(store->root(), "refs").empty());
  CHECK(base::list_directory(store->root(), "images").empty());
  CHECK(base::list_directory(store->root(), storage::layout::blob_dir(blob)).empty());
}

TEST_CASE("an image whose manifest is damaged can be removed") {
  TempStore store;
  const base::Digest chain = publish_small_layer(*store, "one");
  const auto image = put_small_image(*store, "image", {chain});
  base::unlink_file(store->root(), storage::layout::blob(image.manifest));
  storage::test::write_file(store->root(), storage::layout::blob(image.manifest), "damaged");
  remove(*store, image);
  CHECK(storage::list_images(*store).empty());
  CHECK_FALSE(storage::has_layer(*store, chain, "single"));
}
