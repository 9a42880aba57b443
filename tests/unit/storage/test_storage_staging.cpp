#include <doctest/doctest.h>

#include "storage/staging.hpp"
#include "temp_store.hpp"

using storage::Staging;
using storage::test::TempStore;

TEST_CASE("a staging folder is removed with its owner, and what it published stays") {
  TempStore store;
  {
    const Staging staging = Staging::begin(*store);
    base::make_directory(staging.dir(), "published");
    base::make_directory(staging.dir(), "left");
    base::rename_replace(staging.dir(), "published", store->root(), "merged/published");
    CHECK(base::list_directory(store->root(), "staging") == std::vector<std::string>{staging.name()});
  }
  CHECK(base::list_directory(store->root(), "staging").empty());
  CHECK(base::list_directory(store->root(), "trash").empty());
  CHECK(base::exists(store->root(), "merged/published"));
}

TEST_CASE("the folder of a dead process is removed by the next one, that of a living one is not") {
  TempStore store;
  const Staging living = Staging::begin(*store);
  base::make_directories(store->root(), "staging/dead/layer/diff");
  storage::test::write_file(store->root(), "staging/dead/.lock", "");
  base::make_directory(store->root(), "staging/dead-before-its-lock");
  const Staging next = Staging::begin(*store);
  CHECK(base::list_directory(store->root(), "staging").size() == 2);
  CHECK(base::exists(living.dir(), ".lock"));
  CHECK(base::list_directory(store->root(), "trash").empty());
}

TEST_CASE("a moved staging folder is removed once") {
  TempStore store;
  {
    Staging first = Staging::begin(*store);
    const Staging second{std::move(first)};
    CHECK(base::exists(second.dir(), ".lock"));
  }
  CHECK(base::list_directory(store->root(), "staging").empty());
}

TEST_CASE("what living work keeps is known, and forgotten with it") {
  TempStore store;
  const base::Digest kept = storage::test::digest_of("kept");
  {
    const Staging staging = Staging::begin(*store);
    staging.keep(store->hold_garbage(), {kept});
    CHECK(storage::kept_by_staging(*store) == std::vector{kept});
  }
  CHECK(storage::kept_by_staging(*store).empty());
}

TEST_CASE("emptying the trash also removes stale staging and tolerates what is not there") {
  TempStore store;
  base::make_directories(store->root(), "trash/old/deep/tree");
  base::make_directories(store->root(), "staging/dead");
  storage::discard(*store, "layers/absent");
  CHECK(storage::empty_trash(*store));
  CHECK(base::list_directory(store->root(), "trash").empty());
  CHECK(base::list_directory(store->root(), "staging").empty());
}
