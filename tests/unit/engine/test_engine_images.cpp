#include <doctest/doctest.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "engine/images.hpp"
#include "engine/inspect_image.hpp"
#include "engine/remove_image.hpp"
#include "engine/verbs.hpp"
#include "storage/blobs.hpp"
#include "storage/containers.hpp"

using engine::matches_image_filter;
using Names = std::vector<std::string>;

namespace {

constexpr const char* busybox = "docker.io/library/busybox:latest";

base::Digest put(const storage::Store& store, const std::string& bytes) {
  const base::Digest digest = base::sha256(bytes);
  storage::put_blob(store, digest, bytes);
  return digest;
}

/// An engine over a fresh store.
struct TestEngine {
  base::TempDir folder;
  base::NoProgress progress;
  engine::Engine engine{config_in(folder), host(), progress};

  static engine::Config config_in(const base::TempDir& folder) {
    engine::Config config;
    config.root = folder.path() + "/store";
    config.run = folder.path() + "/run";
    config.storage_driver = "overlay";
    return config;
  }
  static rootless::HostFacts host() {
    rootless::HostFacts facts;
    facts.uid = ::geteuid();
    facts.id_map = rootless::single_map(::geteuid(), ::getegid());
    return facts;
  }

  /// An image without layers; `author` makes it differ from others.
  storage::ImageRecord put_image(const std::string& author, const Names& names) {
    const storage::Store& store = engine.store();
    const std::string config_json =
        R"({"architecture":"amd64","os":"linux","created":"2024-01-02T03:04:05Z","author":")" + author +
        R"(","config":{"Env":["A=1"],"Cmd":["sh"],"Labels":{"k":"v"},"User":""},)"
        R"("rootfs":{"type":"layers","diff_ids":[]},"history":[{"created_by":"x","empty_layer":true}]})";
    const base::Digest config = put(store, config_json);
    const std::string manifest_json =
        R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":)"
        R"("application/vnd.oci.image.config.v1+json","digest":")" +
        config.text() + R"(","size":)" + std::to_string(config_json.size()) +
        R"(},"layers":[],"annotations":{"a":"b"}})";
    const storage::ImageRecord record{.manifest = put(store, manifest_json),
                                      .config = config,
                                      .index = std::nullopt,
                                      .chain_ids = {},
                                      .size_bytes = 42,
                                      .created = "2024-01-02T03:04:05Z"};
    const storage::GcHold hold = store.hold_garbage();
    storage::put_image(store, hold, record);
    for (const std::string& name : names) storage::set_ref(store, hold, name, record.manifest);
    return record;
  }

  void put_container(const storage::ImageRecord& image, const std::string& name) {
    storage::ContainerRecord record;
    record.id = std::string(64, 'c');
    record.name = name;
    record.created = "2024-01-02T03:04:05Z";
    record.image_id = image.config.hex();
    record.manifest = image.manifest.text();
    record.variant = "single";
    record.driver = "overlay";
    const storage::GcHold hold = engine.store().hold_garbage();
    storage::finish_container(storage::create_container(engine.store(), hold, record, "{}", false).dir);
  }

  engine::RemovedImage remove(const std::string& word, bool force = false) {
    return engine::remove_images(engine, {.images = {word}, .force = force});
  }
};

}  // namespace

TEST_CASE("a filter means names with and without tag, registry and path") {
  struct Case {
    const char* filter;
    bool expected;
  };
  const Case cases[] = {
      {"busybox", true},
      {"busybox:latest", true},
      {"library/busybox", true},
      {busybox, true},
      {"docker.io/library/busybox", true},
      {"busybox:1", false},
      {"box", false},
      {"usybox", false},
      {"docker.io", false},
      {"busybox:", false},
      {"*box", true},
      {"busy*:latest", true},
      {"busy*:1", false},
      {"docker.io/*/busybox", true},
      {"b?sybox", true},
      {"[ab]usybox:latest", true},
      {"quay.io/*", false},
  };
  for (const Case& each : cases) {
    CAPTURE(each.filter);
    CHECK(matches_image_filter(busybox, each.filter) == each.expected);
  }
  CHECK(matches_image_filter("localhost:5000/a/b:1", "localhost:5000/a/b"));
  CHECK_FALSE(matches_image_filter("localhost:5000/a/b:1", "localhost"));
}

TEST_CASE("a new name without registry belongs to this host") {
  CHECK(engine::name_for_tagging("foo") == "localhost/foo:latest");
  CHECK(engine::name_for_tagging("foo:1") == "localhost/foo:1");
  CHECK(engine::name_for_tagging("quay.io/a/foo") == "quay.io/a/foo:latest");
  CHECK_THROWS_AS(engine::name_for_tagging("UPPER"), base::Error);
  CHECK_THROWS_AS(engine::name_for_tagging("foo@sha256:" + std::string(64, 'a')), base::Error);
}

TEST_CASE("rmi by one of several names takes that name, by the last one the image") {
  const base::Digest digest = base::sha256("x");
  storage::NamedImage image{{"a:1", "b:1"}, {.manifest = digest, .config = digest}};
  engine::ImageRemoval removal = engine::plan_image_removal(image, "a:1", false);
  CHECK(removal.untag == Names{"a:1"});
  CHECK_FALSE(removal.deletes);
  CHECK_THROWS_WITH_AS(engine::plan_image_removal(image, "", false), doctest::Contains("several names: a:1, b:1"),
                       base::Error);
  removal = engine::plan_image_removal(image, "", true);
  CHECK(removal.untag == Names{"a:1", "b:1"});
  CHECK(removal.deletes);
  image.names = {"a:1"};
  CHECK(engine::plan_image_removal(image, "a:1", false).deletes);
  CHECK(engine::plan_image_removal(image, "", false).deletes);
  image.names = {};
  CHECK(engine::plan_image_removal(image, "", false).deletes);
}

TEST_CASE("images are listed with their names, digests and labels, and the filter leaves matching names") {
  TestEngine test;
  const storage::ImageRecord record = test.put_image("one", {busybox, "localhost/mine:1"});
  test.put_image("two", {});
  const std::vector<engine::ImageSummary> all = engine::images(test.engine, "");
  REQUIRE(all.size() == 2);
  const std::vector<engine::ImageSummary> some = engine::images(test.engine, "busybox");
  REQUIRE(some.size() == 1);
  CHECK(some[0].id == record.config.hex());
  CHECK(some[0].digest == record.manifest.text());
  CHECK(some[0].names == Names{busybox});
  CHECK(some[0].repo_digests ==
        Names{"docker.io/library/busybox@" + record.manifest.text(), "localhost/mine@" + record.manifest.text()});
  CHECK(some[0].size_bytes == 42);
  CHECK(some[0].labels == std::vector<std::pair<std::string, std::string>>{{"k", "v"}});
  CHECK(engine::images(test.engine, record.config.short_hex()).size() == 1);
  CHECK(engine::images(test.engine, "nothing").empty());
}

TEST_CASE("tag adds names and untag takes them away") {
  TestEngine test;
  test.put_image("one", {busybox});
  engine::tag(test.engine, "busybox", {"mine", "quay.io/a/b:2"});
  CHECK(engine::image_exists(test.engine, "mine"));
  CHECK(engine::image_exists(test.engine, "quay.io/a/b:2"));
  CHECK_THROWS_WITH_AS(engine::untag(test.engine, "busybox", {"other"}), doctest::Contains("other: tag not known"),
                       base::Error);
  engine::untag(test.engine, "busybox", {"mine"});
  CHECK_FALSE(engine::image_exists(test.engine, "mine"));
  engine::untag(test.engine, "busybox", {});
  CHECK_FALSE(engine::image_exists(test.engine, "busybox"));
  CHECK(engine::images(test.engine, "").size() == 1);
  CHECK_THROWS_WITH_AS(engine::tag(test.engine, "gone", {"x"}), doctest::Contains("gone: image not known"),
                       base::Error);
}

TEST_CASE("rmi untags first and deletes with the last name") {
  TestEngine test;
  const storage::ImageRecord record = test.put_image("one", {busybox, "localhost/mine:1"});
  engine::RemovedImage removed = test.remove("mine:1");
  CHECK(removed.untagged == Names{"localhost/mine:1"});
  CHECK(removed.deleted.empty());
  removed = test.remove("busybox");
  CHECK(removed.untagged == Names{busybox});
  CHECK(removed.deleted == Names{std::string{record.config.hex()}});
  CHECK(engine::images(test.engine, "").empty());
  CHECK_FALSE(storage::has_blob(test.engine.store(), record.config));
  CHECK_THROWS_WITH_AS(test.remove("busybox"), doctest::Contains("image not known"), base::Error);
}

TEST_CASE("an image that a container uses stays, and the hint says how it would go") {
  TestEngine test;
  const storage::ImageRecord record = test.put_image("one", {busybox, "localhost/mine:1"});
  test.put_container(record, "web");
  CHECK(engine::images(test.engine, "")[0].containers == 1);
  CHECK(test.remove("mine:1").untagged.size() == 1);  // another name is left
  try {
    test.remove("busybox");
    FAIL("it was removed");
  } catch (const base::Error& error) {
    CHECK(error.kind() == base::ErrorKind::in_use);
    CHECK(error.message() == "image \"busybox\" is used by container \"web\" (cccccccccccc)");
    CHECK(error.hint().find("rmi -f busybox") != std::string::npos);
  }
  CHECK(engine::image_exists(test.engine, "busybox"));
}

TEST_CASE("rmi --all removes images with several names, and goes on past one that is in use") {
  TestEngine test;
  test.put_image("one", {busybox, "localhost/mine:1"});
  test.put_container(test.put_image("two", {"localhost/used:1"}), "web");
  test.put_image("three", {});
  CHECK_THROWS_WITH_AS(
      engine::remove_images(test.engine, {.images = engine::image_ids(test.engine), .one_of_all = true}),
      doctest::Contains("is used by container"), base::Error);
  const auto left = engine::images(test.engine, "");
  REQUIRE(left.size() == 1);
  CHECK(left[0].names == Names{"localhost/used:1"});
}

TEST_CASE("inspect of an image has podman's names") {
  TestEngine test;
  const storage::ImageRecord record = test.put_image("one", {busybox});
  const std::optional<std::string> text = engine::inspect_image(test.engine, "busybox");
  REQUIRE(text.has_value());
  const base::JsonAt json = base::JsonAt::parse(*text, "inspect");
  CHECK(json.at("Id").string() == record.config.hex());
  CHECK(json.at("Digest").string() == record.manifest.text());
  CHECK(json.at("RepoTags").strings() == Names{busybox});
  CHECK(json.at("Config").at("Env").strings() == Names{"A=1"});
  CHECK_FALSE(json.at("Config").has("User"));
  CHECK(json.at("Labels").string_map().size() == 1);
  CHECK(json.at("Annotations").at("a").string() == "b");
  CHECK(json.at("ManifestType").string() == "application/vnd.oci.image.manifest.v1+json");
  CHECK(json.at("RootFS").at("Type").string() == "layers");
  CHECK(json.at("Size").unsigned_integer() == 42);
  CHECK(json.at("History").array().size() == 1);
  CHECK(json.at("Created").string() == "2024-01-02T03:04:05Z");
  CHECK_FALSE(engine::inspect_image(test.engine, "gone").has_value());
  CHECK_FALSE(engine::inspect_volume(test.engine, "gone").has_value());
}
