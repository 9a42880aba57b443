#include <doctest/doctest.h>
#include <functional>
#include <sys/stat.h>

#include "base/error.hpp"
#include "storage/blobs.hpp"
#include "storage/layout.hpp"
#include "storage/staging.hpp"
#include "temp_store.hpp"

using storage::BlobWriter;
using storage::test::TempStore;

namespace {

base::ErrorKind kind_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const base::Error& error) {
    return error.kind();
  }
  FAIL("no error");
  return base::ErrorKind::internal;
}

}  // namespace

TEST_CASE("a blob is visible only after it was verified and committed") {
  TempStore store;
  const auto staging = storage::Staging::begin(*store);
  const base::Digest digest = base::sha256("hello");
  BlobWriter writer{*store, staging.dir(), digest, 5};
  writer.write("hel");
  writer.write("lo");
  CHECK(kind_of([&] { writer.commit(); }) == base::ErrorKind::internal);
  writer.verify();
  CHECK_FALSE(storage::has_blob(*store, digest));
  writer.commit();
  CHECK(storage::read_blob(*store, digest, 5) == "hello");
  struct stat info {};
  REQUIRE(::fstatat(store->root(), storage::layout::blob(digest).c_str(), &info, 0) == 0);
  CHECK((info.st_mode & 07777) == 0444);
}

TEST_CASE("bytes that are not what the descriptor promised are refused and leave nothing") {
  TempStore store;
  const auto staging = storage::Staging::begin(*store);
  const base::Digest digest = base::sha256("hello");
  {
    BlobWriter longer{*store, staging.dir(), digest, 4};
    CHECK(kind_of([&] { longer.write("hello"); }) == base::ErrorKind::corrupt);
    BlobWriter shorter{*store, staging.dir(), digest, 6};
    shorter.write("hello");
    CHECK(kind_of([&] { shorter.verify(); }) == base::ErrorKind::corrupt);
    BlobWriter other{*store, staging.dir(), digest, std::nullopt};
    other.write("jello");
    CHECK(kind_of([&] { other.verify(); }) == base::ErrorKind::corrupt);
  }
  CHECK(base::list_directory(staging.dir(), ".") == std::vector<std::string>{".lock"});
  CHECK_FALSE(storage::has_blob(*store, digest));
}

TEST_CASE("reading a blob checks its digest and its limit") {
  TempStore store;
  const base::Digest digest = base::sha256("hello");
  CHECK(kind_of([&] { storage::read_blob(*store, digest, 10); }) == base::ErrorKind::not_found);
  storage::put_blob(*store, digest, "hello");
  storage::put_blob(*store, digest, "hello");
  CHECK(kind_of([&] { storage::read_blob(*store, digest, 4); }) == base::ErrorKind::corrupt);
  base::unlink_file(store->root(), storage::layout::blob(digest));
  storage::test::write_file(store->root(), storage::layout::blob(digest), "jello");
  CHECK(kind_of([&] { storage::read_blob(*store, digest, 10); }) == base::ErrorKind::corrupt);
}
