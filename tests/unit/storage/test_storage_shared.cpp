#include <algorithm>
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "storage/blobs.hpp"
#include "storage/check.hpp"
#include "storage/id_variants.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"
#include "storage/prune.hpp"
#include "storage/prune_reachable.hpp"
#include "storage/refs.hpp"
#include "temp_store.hpp"

using storage::Store;
using storage::test::publish_small_layer;
using storage::test::put_small_image;
using storage::test::TempStore;

namespace {

constexpr const char* name = "docker.io/library/busybox:latest";

/// A store with one image of one layer, and another that sees it.
struct TwoStores {
  TempStore shared;
  base::TempDir folder;
  base::Digest chain = publish_small_layer(*shared, "one");
  storage::ImageRecord image = put_small_image(*shared, "busybox", {chain});
  Store own = Store::open(folder.path() + "/store", folder.path() + "/run", {shared.root_path()});

  TwoStores() { storage::set_ref(*shared, shared->hold_garbage(), name, image.manifest); }
};

}  // namespace

TEST_CASE("an image of a shared store is found by name and id, and known to be only read") {
  TwoStores stores;
  for (const std::string& text : {std::string{"busybox"}, std::string{stores.image.config.hex().substr(0, 12)}}) {
    const auto image = storage::find_image(stores.own, text);
    REQUIRE(image.has_value());
    CHECK(image->read_only);
    CHECK(image->names == std::vector<std::string>{name});
  }
  const auto images = storage::list_images(stores.own);
  REQUIRE(images.size() == 1);
  CHECK(images[0].read_only);
  CHECK(images[0].names == std::vector<std::string>{name});
  CHECK(storage::read_image_config(stores.own, images[0].record).author == "busybox");
}

TEST_CASE("layers and their records are read from the shared store") {
  TwoStores stores;
  CHECK(storage::has_layer(stores.own, stores.chain, "single"));
  CHECK_FALSE(storage::has_layer(stores.own, stores.chain, "user-0123456789ab"));
  CHECK(storage::read_layer_meta(stores.own, stores.chain)->unpacked_bytes == 3);
  const base::UniqueFd diff = storage::open_layer_diff(stores.own, stores.chain, "single");
  CHECK(base::exists(diff.get(), "from-one"));
  CHECK(storage::layer_path(stores.own, stores.chain, "single").starts_with(stores.shared.root_path()));
  CHECK_FALSE(base::exists(stores.own.root(), storage::layout::layer(stores.chain)));
}

TEST_CASE("a single id's layer of somebody else is no layer for us") {
  if (::geteuid() != 0) return;  // needs an owner that is not us
  TwoStores stores;
  const std::string path = storage::layout::layer_diff(stores.chain, "single");
  REQUIRE(::fchownat(stores.shared->root(), path.c_str(), 12345, 12345, 0) == 0);
  CHECK_FALSE(storage::has_layer(stores.own, stores.chain, "single"));
}

TEST_CASE("our own name wins over the same one in a shared store") {
  TwoStores stores;
  const auto mine = put_small_image(stores.own, "mine", {});
  storage::set_ref(stores.own, stores.own.hold_garbage(), name, mine.manifest);
  CHECK(storage::find_by_ref(stores.own, name)->manifest == mine.manifest);
  const auto images = storage::list_images(stores.own);
  REQUIRE(images.size() == 2);
  for (const storage::NamedImage& image : images)
    CHECK(image.names.empty() == (image.record.manifest == stores.image.manifest));
}

TEST_CASE("an adopted image is ours, sound, and keeps no layer of its own") {
  TwoStores stores;
  storage::adopt_image(stores.own, stores.own.hold_garbage(), stores.image);
  storage::set_ref(stores.own, stores.own.hold_garbage(), "localhost/mine:1", stores.image.manifest);
  const auto image = storage::find_image(stores.own, "localhost/mine:1");
  REQUIRE(image.has_value());
  CHECK_FALSE(image->read_only);
  CHECK(image->names == std::vector<std::string>{"localhost/mine:1"});
  CHECK(base::exists(stores.own.root(), storage::layout::blob(stores.image.config)));
  CHECK(storage::list_images(stores.own).size() == 1);
  storage::remove_image(stores.own, stores.own.lock_garbage(), stores.image);
  CHECK(storage::find_image(stores.own, "busybox")->read_only);  // the shared one is seen again
  CHECK(base::exists(stores.shared->root(), storage::layout::image(stores.image.manifest)));
}

TEST_CASE("nothing of a shared store is garbage of ours") {
  TwoStores stores;
  CHECK(storage::find_garbage(stores.own, stores.own.lock_garbage()).paths.empty());
}

TEST_CASE("a layer's folder of our own gets the records of the shared one") {
  TwoStores stores;
  storage::make_layer_folder(stores.own, stores.chain);
  const std::string layer = storage::layout::layer(stores.chain);
  for (const char* file : {"/meta", "/owners"})
    CHECK(base::read_file(stores.own.root(), layer + file, 4096) ==
          base::read_file(stores.shared->root(), layer + file, 4096));
}

TEST_CASE("a shared store that is absent, none, or open to everybody is passed over") {
  TempStore shared;
  put_small_image(*shared, "one", {});
  const base::TempDir folder;
  const auto seen = [&](const std::string& path) {
    return Store::open(folder.path() + "/store", folder.path() + "/run", {path}).shared().size();
  };
  CHECK(seen(shared.root_path()) == 1);
  CHECK(seen(folder.path() + "/absent") == 0);
  CHECK(seen(folder.path()) == 0);
  CHECK(seen("relative") == 0);
  CHECK(seen(folder.path() + "/store") == 0);  // our own
  REQUIRE(::chmod(shared.root_path().c_str(), 0777) == 0);
  CHECK(seen(shared.root_path()) == 0);
}

TEST_CASE("id variants that were made for containers are unused without one; the default variant is not") {
  TempStore store;
  const base::Digest chain = publish_small_layer(*store, "one", "user-000000000000");
  const std::string layer = storage::layout::layer(chain);
  const base::UniqueFd made = base::make_directory(store->root(), layer + "/user-111111111111");
  base::make_directory(made.get(), "diff");
  storage::test::write_file(made.get(), "meta",
                            R"({"version":1,"variant":"user-111111111111","map":"0 1 1\n\n0 1 1\n"})");
  CHECK(storage::unused_variants(*store) == std::vector<std::string>{layer + "/user-111111111111"});
}
