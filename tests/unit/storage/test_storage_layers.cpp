#include <doctest/doctest.h>

#include "base/error.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"
#include "storage/staging.hpp"
#include "temp_store.hpp"

using storage::test::publish_small_layer;
using storage::test::TempStore;

TEST_CASE("a published layer is found with its record, its tree and its owners") {
  TempStore store;
  const base::Digest chain = publish_small_layer(*store, "one");
  CHECK(storage::has_layer(*store, chain, "single"));
  CHECK_FALSE(storage::has_layer(*store, chain, "user-0123456789ab"));
  const auto meta = storage::read_layer_meta(*store, chain);
  REQUIRE(meta.has_value());
  CHECK(meta->diff_id == storage::test::digest_of("diff one"));
  CHECK(meta->blob_bytes == 8);
  CHECK(meta->unpacked_bytes == 3);
  CHECK(meta->entries == 1);
  CHECK(base::exists(storage::open_layer_diff(*store, chain, "single").get(), "from-one"));
  CHECK(base::exists(store->root(), storage::layout::layer(chain) + "/owners"));
}

TEST_CASE("the second variant of a layer shares its record and owners") {
  TempStore store;
  const base::Digest chain = publish_small_layer(*store, "one");
  CHECK(publish_small_layer(*store, "one", "user-0123456789ab") == chain);
  const std::vector<std::string> expected{"meta", "owners", "single", "user-0123456789ab"};
  CHECK(base::list_directory(store->root(), storage::layout::layer(chain)) == expected);
  const std::vector<std::string> inside{"diff", "meta"};
  CHECK(base::list_directory(store->root(), storage::layout::layer_variant(chain, "user-0123456789ab")) == inside);
}

TEST_CASE("publishing what is there already keeps the first and discards ours") {
  TempStore store;
  const base::Digest chain = publish_small_layer(*store, "one");
  storage::test::write_file(storage::open_layer_diff(*store, chain, "single").get(), "mark", "");
  CHECK(publish_small_layer(*store, "one") == chain);
  CHECK(base::exists(storage::open_layer_diff(*store, chain, "single").get(), "mark"));
  CHECK(base::list_directory(store->root(), "staging").empty());
}

TEST_CASE("a layer published without records written before gets them") {
  TempStore store;
  const storage::Staging staging = storage::Staging::begin(*store);
  base::make_directories(staging.dir(), "layer/diff");
  const base::Digest chain = storage::test::digest_of("chain");
  storage::publish_layer(*store, staging.dir(), "layer", chain, "single",
                         {.diff_id = chain, .blob = chain, .media_type = "x"});
  CHECK(storage::read_layer_meta(*store, chain)->media_type == "x");
  CHECK(base::exists(store->root(), storage::layout::layer_variant(chain, "single") + "/meta"));
}

TEST_CASE("an absent layer and an absent variant are told apart") {
  TempStore store;
  const base::Digest chain = publish_small_layer(*store, "one");
  CHECK_FALSE(storage::read_layer_meta(*store, storage::test::digest_of("other")).has_value());
  CHECK_THROWS_WITH_AS(storage::open_layer_diff(*store, storage::test::digest_of("other"), "single"),
                       doctest::Contains("is not in the store"), base::Error);
  CHECK_THROWS_WITH_AS(storage::open_layer_diff(*store, chain, "user-000000000000"),
                       doctest::Contains("was not unpacked for this id map"), base::Error);
}
