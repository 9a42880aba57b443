#include <doctest/doctest.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/container_names.hpp"
#include "storage/container_records.hpp"
#include "storage/container_rename.hpp"
#include "storage/layout.hpp"
#include "temp_store.hpp"

using storage::ContainerDir;
using storage::test::id_of;
using storage::test::TempStore;

namespace {

storage::ContainerRecord record_of(const std::string& id, const std::string& name) {
  storage::ContainerRecord record;
  record.id = id;
  record.name = name;
  record.created = "2026-01-01T00:00:00Z";
  record.driver = "overlay";
  record.variant = "single";
  return record;
}

ContainerDir create(const storage::Store& store, const std::string& id, const std::string& name) {
  return storage::create_container(store, store.hold_garbage(), record_of(id, name), "{}", true).dir;
}

std::string id_found(const storage::Store& store, std::string_view text) {
  const auto container = storage::find_container(store, text);
  return container ? container->id : "";
}

bool is_reserved(const storage::Store& store, const std::string& name) {
  return base::exists(store.root(), storage::layout::container_name(name));
}

}  // namespace

TEST_CASE("a renamed container has the new name only, and its old name is free") {
  TempStore store;
  const ContainerDir container = create(*store, id_of('a'), "web");
  storage::rename_container(*store, container, "shop");
  CHECK(id_found(*store, "shop") == id_of('a'));
  CHECK(storage::read_record(container).name == "shop");
  CHECK_FALSE(is_reserved(*store, "web"));
  create(*store, id_of('b'), "web");
  CHECK(id_found(*store, "web") == id_of('b'));
}

TEST_CASE("a name that is in use is not taken by a rename, and nothing is left of it") {
  TempStore store;
  const ContainerDir container = create(*store, id_of('a'), "web");
  create(*store, id_of('b'), "shop");
  CHECK_THROWS_WITH_AS(storage::rename_container(*store, container, "shop"),
                       doctest::Contains("already in use by bbbb"), base::Error);
  CHECK_THROWS_AS(storage::rename_container(*store, container, "web"), base::Error);
  CHECK_THROWS_AS(storage::rename_container(*store, container, "../x"), base::Error);
  CHECK(id_found(*store, "web") == id_of('a'));
  CHECK(id_found(*store, "shop") == id_of('b'));
  CHECK_FALSE(base::exists(container.dir.get(), storage::renamed_record));
}

TEST_CASE("a rename that was killed before its last step leaves the old name, after it the new one") {
  TempStore store;
  const ContainerDir container = create(*store, id_of('a'), "web");
  const auto link = [&](const std::string& from, const std::string& to) {
    REQUIRE(::linkat(store->root(), from.c_str(), store->root(), to.c_str(), 0) == 0);
  };
  const std::string folder = storage::layout::container(id_of('a'));
  storage::test::write_file(container.dir.get(), storage::renamed_record,
                            storage::render_record(record_of(id_of('a'), "shop")));
  link(folder + "/" + storage::renamed_record, storage::layout::container_name("shop"));
  SUBCASE("before") {
    CHECK(id_found(*store, "web") == id_of('a'));
    CHECK(id_found(*store, "shop").empty());
    CHECK_FALSE(is_reserved(*store, "shop"));
    storage::rename_container(*store, container, "shop");  // what was left does not hinder
    CHECK(id_found(*store, "shop") == id_of('a'));
  }
  SUBCASE("meanwhile both lead to it, and neither is another's") {
    const base::FileLock lock = storage::lock_container(container);
    CHECK(id_found(*store, "web") == id_of('a'));
    CHECK(id_found(*store, "shop") == id_of('a'));
    CHECK_THROWS_AS(create(*store, id_of('b'), "shop"), base::Error);
  }
  SUBCASE("after") {
    base::rename_replace(container.dir.get(), storage::renamed_record, container.dir.get(), "record");
    create(*store, id_of('b'), "web");
    CHECK(id_found(*store, "shop") == id_of('a'));
    CHECK(id_found(*store, "web") == id_of('b'));
  }
}
