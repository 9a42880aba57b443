#include <chrono>
#include <doctest/doctest.h>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "tests/unit/storage/tar_fixture.hpp"

// Compression, damage at every place, and bombs.

using namespace storage;
using namespace storage::test;
using oci::LayerCompression;

namespace {

/// Some hundred KiB that do not compress to nothing.
std::string large_archive() {
  TarBuilder archive;
  std::string noise;
  for (int i = 0; i < 4000; ++i) noise += base::sha256(base::concat(i)).text();
  for (int i = 0; i < 8; ++i) archive.file(base::concat("d/f", i), noise.substr(static_cast<std::size_t>(i) * 1000));
  return archive.end().bytes();
}

}  // namespace

TEST_CASE("layers may be plain, gzip or zstd, and what the bytes say wins") {
  const std::string archive = large_archive();
  for (const LayerCompression declared : {LayerCompression::gzip, LayerCompression::zstd, LayerCompression::none}) {
    for (const std::string& compressed : {gzip(archive), zstd(archive)}) {
      const Unpacked unpacked = unpack(archive, {.compression = declared, .compressed = compressed});
      CHECK(unpacked.message() == "");
      CHECK(unpacked.tree.size() == 10);
    }
  }
  CHECK(unpack(archive).message() == "");
  CHECK(unpack(archive, {.compression = LayerCompression::gzip}).message() == "");  // as podman writes into dir:
  CHECK(unpack(std::string(10'000, 'x'), {.compression = LayerCompression::gzip})
            .message()
            .find("neither gzip nor zstd") != std::string::npos);
  CHECK(unpack("", {.compression = LayerCompression::zstd}).message().find("neither gzip nor zstd") !=
        std::string::npos);
}

TEST_CASE("gzip members and zstd frames may follow each other") {
  const std::string archive = large_archive();
  const std::string_view first = std::string_view{archive}.substr(0, 100'000),
                         second = std::string_view{archive}.substr(100'000);
  const std::string skippable{"\x52\x2a\x4d\x18\x04\0\0\0skip", 12};
  for (const std::string& compressed :
       {gzip(first) + gzip(second), gzip("") + gzip(first) + gzip("") + gzip(second) + gzip(""),
        zstd(first) + zstd(second), skippable + zstd(first) + skippable + zstd(second) + skippable}) {
    CHECK(unpack(archive, {.compression = LayerCompression::gzip, .compressed = compressed}).message() == "");
  }
  CHECK(unpack(archive, {.compressed = gzip(archive) + "garbage"}).error.has_value());
  CHECK(unpack(archive, {.compressed = zstd(archive) + "garbage"}).error.has_value());
}

TEST_CASE("a layer that is cut anywhere is an error, and soon") {
  const std::string archive = large_archive();
  for (const std::string& whole : {archive, gzip(archive), zstd(archive)}) {
    std::vector<std::size_t> cuts{1, 2, 3, 4, 5, 9, 10, 11, 17, 18, 19, 511, 512, 513};
    for (std::size_t cut = 4096; cut < whole.size(); cut += whole.size() / 40) cuts.push_back(cut);
    for (std::size_t left = 1; left < 10; ++left) cuts.push_back(whole.size() - left);
    for (const std::size_t cut : cuts) {
      CAPTURE(cut);
      const auto before = std::chrono::steady_clock::now();
      const Unpacked unpacked = unpack(archive, {.compressed = whole.substr(0, cut)});
      CHECK(unpacked.error.has_value());
      CHECK(unpacked.error->kind() == base::ErrorKind::corrupt);
      CHECK(unpacked.canary_intact);
      CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds{2});
    }
  }
}

TEST_CASE("a flipped bit anywhere is an error") {
  const std::string archive = large_archive();
  for (const std::string& whole : {archive, gzip(archive), zstd(archive)}) {
    for (std::size_t place = 20; place < whole.size(); place += whole.size() / 50) {
      CAPTURE(place);
      std::string damaged = whole;
      damaged[place] = static_cast<char>(damaged[place] ^ 0x10);
      CHECK(unpack(archive, {.compressed = damaged}).error.has_value());
    }
  }
}

TEST_CASE("a source that fails, fails the layer") {
  class Failing final : public base::Source {
   public:
    std::size_t read(void*, std::size_t) override {
      throw base::make_error(base::ErrorKind::network, "the cable was cut");
    }
  };
  const base::TempDir temp;
  Failing source;
  CHECK_THROWS_WITH(unpack_layer({.compressed = source,
                                  .compression = LayerCompression::none,
                                  .expected_diff_id = base::sha256(""),
                                  .target_dir = temp.fd(),
                                  .owners = OwnerPolicy::single}),
                    "the cable was cut");
}

TEST_CASE("when writing fails, a source that waits for more is stopped") {
  // Sends a broken archive, then nothing, until it is told to stop.
  class Silent final : public base::Source {
   public:
    std::size_t read(void* buffer, std::size_t size) override {
      const std::string bytes = TarBuilder{}.file("../x", std::string(600'000, 'x')).bytes();
      if (sent_ == bytes.size()) return base::read_some(stopped_.read_end.get(), buffer, size);
      const std::size_t count = std::min(size, bytes.size() - sent_);
      bytes.copy(static_cast<char*>(buffer), count, sent_);
      sent_ += count;
      return count;
    }
    void stop() { stopped_.write_end.reset(); }

   private:
    std::size_t sent_ = 0;
    base::Pipe stopped_ = base::make_pipe();
  };
  const base::TempDir temp;
  Silent source;
  CHECK_THROWS_AS(unpack_layer({.compressed = source,
                                .compression = LayerCompression::none,
                                .expected_diff_id = base::sha256(""),
                                .target_dir = temp.fd(),
                                .owners = OwnerPolicy::single,
                                .limits = {},
                                .stop_source = [&] { source.stop(); }}),
                  base::Error);
}

TEST_CASE("bombs stop at their limits") {
  const UnpackLimits small{.max_unpacked_bytes = 100'000, .max_entries = 50};
  const std::string fits = TarBuilder{}.file("f", std::string(100'000, 'x')).end().bytes();
  const std::string does_not = TarBuilder{}.file("f", std::string(100'001, 'x')).end().bytes();
  CHECK(unpack(fits, {.limits = small}).message() == "");
  CHECK(unpack(does_not, {.limits = small}).message().find("unpacks to more than 100000") != std::string::npos);
  const std::string in_two =
      TarBuilder{}.file("f", std::string(60'000, 'x')).file("g", std::string(60'000, 'x')).end().bytes();
  CHECK(unpack(in_two, {.limits = small}).message().find("unpacks to more") != std::string::npos);

  TarBuilder many;
  for (int i = 0; i < 50; ++i) many.file(base::concat("f", i), "");
  CHECK(unpack(TarBuilder{many}.end().bytes(), {.limits = small}).message() == "");
  CHECK(unpack(TarBuilder{many}.file("one more").end().bytes(), {.limits = small})
            .message()
            .find("more than 50 entries") != std::string::npos);
  // Directories that no entry asks for count too.
  CHECK(unpack(TarBuilder{}
                   .file("a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/f")
                   .file("b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/f")
                   .end()
                   .bytes(),
               {.limits = small})
            .message()
            .find("more than 50 entries") != std::string::npos);
}

TEST_CASE("a stream that inflates without end stops by its ratio and by its length") {
  const std::string zeros(300 << 20, '\0');
  const Unpacked ratio = unpack("", {.diff_id = base::sha256("x"), .compressed = zstd(zeros)});
  CHECK(ratio.message().find("1000 times its size") != std::string::npos);
  const UnpackLimits small{.max_unpacked_bytes = 1000, .max_ratio = 1'000'000'000};
  const Unpacked length = unpack("", {.diff_id = base::sha256("x"), .limits = small, .compressed = zstd(zeros)});
  CHECK(length.message().find("unpacks to more than 1000") != std::string::npos);
}

TEST_CASE("a zstd window of more than 128 MiB is refused") {
  const std::string archive = TarBuilder{}.file("f").end().bytes();
  CHECK(unpack(archive, {.compressed = zstd(archive, 27)}).message() == "");
  CHECK(unpack(archive, {.compressed = zstd(archive, 28)}).message().find("zstd data is damaged") != std::string::npos);
}

TEST_CASE("a directory can be deeper than descriptors are kept") {
  std::string path;
  for (int i = 0; i < 300; ++i) path += "dir/";
  TarBuilder archive;
  for (const char* name : {"a", "b"}) archive.pax({{"path", path + name}}).file("short");
  archive.pax({{"path", path + "c"}, {"linkpath", path + "a"}}).hard_link("short", "short");
  const Unpacked unpacked = unpack(archive.end().bytes());
  CHECK(unpacked.message() == "");
  REQUIRE(unpacked.tree.size() == 304);
  CHECK(unpacked.tree.back() == "f 644 " + path + "c =x");
}
