#include <algorithm>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/check.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"
#include "storage/refs.hpp"
#include "storage/repair.hpp"
#include "storage/staging.hpp"
#include "temp_store.hpp"

using storage::test::put_small_image;
using storage::test::TempStore;

namespace {

std::vector<std::string> kinds(const storage::Store& store, storage::CheckDepth depth) {
  std::vector<std::string> found;
  for (const storage::Finding& finding : storage::check_store(store, {.depth = depth, .variant = "single"}))
    found.emplace_back(finding.kind);
  std::sort(found.begin(), found.end());
  return found;
}

using Kinds = std::vector<std::string>;

}  // namespace

TEST_CASE("a new store is sound") {
  TempStore store;
  CHECK(kinds(*store, storage::CheckDepth::quick).empty());
  CHECK(kinds(*store, storage::CheckDepth::deep).empty());
}

TEST_CASE("names without an image, and files that stand for no name, are damage") {
  TempStore store;
  storage::write_ref(*store, "docker.io/library/a:1", storage::test::digest_of("nothing"));
  CHECK(kinds(*store, storage::CheckDepth::quick) == Kinds{"name-dangling"});
  storage::test::write_file(store->root(), "refs/docker.io%2Flibrary%2Fb:1", "nonsense");
  CHECK(kinds(*store, storage::CheckDepth::normal) == Kinds{"name-damaged", "name-dangling"});
}

TEST_CASE("a layer that an image needs and that is not there is damage, quick or not") {
  TempStore store;
  put_small_image(*store, "image", {storage::test::publish_small_layer(*store, "layer")});
  base::remove_tree(store->root(), storage::layout::layer(storage::test::digest_of("layer")));
  for (const std::string& name : base::list_directory(store->root(), "layers"))
    base::remove_tree(store->root(), "layers/" + name);
  CHECK(kinds(*store, storage::CheckDepth::quick) == Kinds{"layer-missing"});
}

TEST_CASE("what a living staging folder keeps is no orphan, and the folder no leftover") {
  TempStore store;
  const base::Digest layer = storage::test::publish_small_layer(*store, "layer");
  {
    const storage::Staging staging = storage::Staging::begin(*store);
    CHECK(kinds(*store, storage::CheckDepth::normal) == Kinds{"blob-orphan", "layer-orphan"});
    staging.keep(store->hold_garbage(), {layer});  // and with it its blob
    CHECK(kinds(*store, storage::CheckDepth::normal).empty());
  }
  CHECK(kinds(*store, storage::CheckDepth::normal) == Kinds{"blob-orphan", "layer-orphan"});
}

TEST_CASE("looking changes nothing: leftovers are told and stay") {
  TempStore store;
  const std::string unborn = "containers/.new-" + storage::test::id_of('a');
  base::make_directory(store->root(), unborn);
  storage::test::write_file(store->root(), "names/stale", "{}");
  CHECK(kinds(*store, storage::CheckDepth::normal) == Kinds{"container-name-stale", "container-unborn"});
  CHECK(base::exists(store->root(), unborn));
  CHECK(base::exists(store->root(), "names/stale"));
}

TEST_CASE("a folder that others may look into is damage") {
  TempStore store;
  REQUIRE(::fchmodat(store->root(), "images", 0750, 0) == 0);
  CHECK(kinds(*store, storage::CheckDepth::quick) == Kinds{"permissions"});
}

TEST_CASE("a layer is exchanged whole, and merged trees of its variant go") {
  TempStore store;
  const base::Digest chain = storage::test::publish_small_layer(*store, "layer");
  base::make_directories(store->root(), storage::layout::merged(chain, "single") + "/tree");
  const storage::Staging staging = storage::Staging::begin(*store);
  base::make_directories(staging.dir(), "new/diff");
  storage::test::write_file(staging.dir(), "new/diff/sound", "sound");
  storage::replace_layer(*store, store->lock_garbage(), staging.dir(), "new", chain, "single");
  CHECK(base::list_directory(store->root(), storage::layout::layer_diff(chain, "single")) == Kinds{"sound"});
  CHECK(base::list_directory(staging.dir(), "new/diff") == Kinds{"from-layer"});
  CHECK(base::list_directory(store->root(), "merged").empty());
}
