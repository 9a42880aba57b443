#include <doctest/doctest.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/oci/manifest.hpp"
#include "storage/artifact_names.hpp"
#include "storage/blobs.hpp"
#include "storage/layout.hpp"
#include "storage/prune.hpp"

namespace {

struct TestStore {
  base::TempDir dir;
  storage::Store store = storage::Store::open(dir.path() + "/root", dir.path() + "/run");

  base::Digest put(const std::string& bytes) {
    const base::Digest digest = base::sha256(bytes);
    storage::put_blob(store, digest, bytes);
    return digest;
  }
  /// An artifact of one file.
  base::Digest put_artifact(const std::string& name, const std::string& file) {
    const auto descriptor = [&](const std::string& bytes) {
      return base::concat(R"({"mediaType":"x/y","digest":")", put(bytes), R"(","size":)", bytes.size(), "}");
    };
    const base::Digest manifest =
        put(base::concat(R"({"schemaVersion":2,"mediaType":")", oci::media_type_oci_manifest, R"(","config":)",
                         descriptor("{}"), R"(,"layers":[)", descriptor(file), "]}"));
    storage::set_artifact(store, store.hold_garbage(), name, manifest);
    return manifest;
  }
  bool has(const std::string& bytes) const { return storage::has_blob(store, base::sha256(bytes)); }
  void prune() {
    const storage::GcLock lock = store.lock_garbage();
    storage::move_garbage(store, lock, storage::find_garbage(store, lock));
  }
};

}  // namespace

TEST_CASE("an artifact is found by its name, listed, and moved to another manifest") {
  TestStore test;
  CHECK(storage::list_artifacts(test.store).empty());
  const base::Digest first = test.put_artifact("localhost/a:1", "first");
  CHECK(storage::find_artifact(test.store, "localhost/a:1")->manifest == first);
  const base::Digest second = test.put_artifact("localhost/a:1", "second");
  const std::string long_name = base::concat("localhost/", std::string(250, 'b'), ":1");
  test.put_artifact(long_name, "third");
  const auto artifacts = storage::list_artifacts(test.store);
  REQUIRE(artifacts.size() == 2);
  CHECK(storage::find_artifact(test.store, "localhost/a:1")->manifest == second);
  CHECK(storage::find_artifact(test.store, long_name)->name == long_name);
  CHECK_FALSE(storage::find_artifact(test.store, "localhost/a:2"));
}

TEST_CASE("files of an artifact are kept as long as it has a name") {
  TestStore test;
  const base::Digest manifest = test.put_artifact("localhost/a:1", "file");
  test.prune();
  CHECK(test.has("file"));
  CHECK(test.has("{}"));
  {
    const storage::GcLock lock = test.store.lock_garbage();
    CHECK(storage::find_kept_blobs(test.store, lock).paths.empty());
    CHECK(storage::forget_artifact(test.store, lock, {"localhost/a:1", manifest}));
    CHECK_FALSE(storage::forget_artifact(test.store, lock, {"localhost/a:1", manifest}));
  }
  CHECK_FALSE(test.has("file"));
  CHECK_FALSE(test.has("{}"));
}

TEST_CASE("what two artifacts share stays for the other one") {
  TestStore test;
  const base::Digest one = test.put_artifact("localhost/a:1", "shared");
  test.put_artifact("localhost/b:1", "shared");
  const storage::GcLock lock = test.store.lock_garbage();
  CHECK(storage::forget_artifact(test.store, lock, {"localhost/a:1", one}));
  CHECK(test.has("shared"));
}

TEST_CASE("a damaged name of an artifact is told and hides no other") {
  TestStore test;
  test.put_artifact("localhost/a:1", "a");
  test.put_artifact("localhost/b:1", "b");
  const base::UniqueFd folder = base::open_directory(test.store.root(), storage::layout::artifacts_folder);
  base::write_file_atomically(folder.get(), storage::layout::encode_name("localhost/a:1"), "nonsense\n");
  CHECK_THROWS_AS(storage::find_artifact(test.store, "localhost/a:1"), base::Error);
  CHECK(storage::list_artifacts(test.store).size() == 1);
}
