#include <doctest/doctest.h>
#include <fcntl.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/oci/manifest.hpp"
#include "memory_image.hpp"
#include "registry/archive_file.hpp"
#include "registry/image_archive.hpp"
#include "registry/image_writer.hpp"
#include "registry/tar_index.hpp"

using registry::ImageSetWriter;
using registry_test::MemoryImage;

namespace {

constexpr const char* busybox = "docker.io/library/busybox:latest";
constexpr const char* other = "localhost/other:2";

/// Layers of these tests lie uncompressed.
std::unique_ptr<base::Source> as_it_is(base::Source& source, oci::LayerCompression) {
  class Same final : public base::Source {
   public:
    explicit Same(base::Source& source) : source_(source) {}
    std::size_t read(void* buffer, std::size_t size) override { return source_.read(buffer, size); }

   private:
    base::Source& source_;
  };
  return std::make_unique<Same>(source);
}

void add(ImageSetWriter& set, MemoryImage& image, const std::vector<std::string>& names) {
  const registry::ManifestBytes root = image.root_manifest();
  const auto parsed = std::get<oci::Manifest>(oci::parse_manifest(root.bytes, root.media_type, "manifest"));
  const auto destination = set.add_image(names);
  for (const oci::Descriptor& layer : parsed.layers)
    if (!destination->has_blob(layer)) destination->put_blob(layer, image);
  destination->put_blob(parsed.config, image);
  destination->put_root(root);
  destination->commit();
}

void write(std::unique_ptr<ImageSetWriter> set, MemoryImage image, const std::vector<std::string>& names) {
  add(*set, image, names);
  set->finish();
}

struct Format {
  const char* name;
  std::unique_ptr<ImageSetWriter> (*open)(const std::string& path);
  bool keeps_digest;
};
const Format formats[] = {
    {"oci-dir", registry::write_oci_folder, true},
    {"oci-archive", registry::write_oci_archive, true},
    {"docker-archive", [](const std::string& path) { return registry::write_docker_archive(path, as_it_is); }, false},
    {"dir", registry::write_image_folder, true},
};

std::string contents(registry::ImageSource& source) {
  const registry::ManifestBytes root = source.root_manifest();
  const auto parsed = std::get<oci::Manifest>(oci::parse_manifest(root.bytes, root.media_type, "manifest"));
  std::string text;
  for (const oci::Descriptor& layer : parsed.layers) {
    base::StringSink sink{1000};
    source.blob(layer, sink, 0);
    text += sink.take() + ";";
  }
  base::StringSink sink{10'000};
  source.blob(parsed.config, sink, 0);
  return text + sink.take();
}

std::string failure_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const base::Error& error) {
    return error.message();
  }
  return {};
}

}  // namespace

TEST_CASE("what was written in any format is read again, with its names and, where the format can, its digest") {
  for (const Format& format : formats) {
    CAPTURE(format.name);
    const base::TempDir dir;
    const std::string path = dir.path() + "/image";
    MemoryImage image({"one", "two, longer"});
    write(format.open(path), image, {busybox, other});
    const auto found = registry::open_image_archive(path);
    REQUIRE(found.size() == 1);
    if (std::string{format.name} != "dir") CHECK(found[0].names == std::vector<std::string>{busybox, other});
    const auto source = found[0].open();
    CHECK(contents(*source) == "one;two, longer;" + image.config());
    CHECK((source->root_manifest().digest == image.root_manifest().digest) == format.keeps_digest);
  }
}

TEST_CASE("the same image gives the same archive") {
  for (const Format& format : {formats[1], formats[2]}) {
    CAPTURE(format.name);
    const base::TempDir dir;
    for (const char* name : {"a", "b"}) write(format.open(dir.path() + "/" + name), MemoryImage({"one"}), {busybox});
    CHECK(base::read_file(dir.fd(), "a", 100'000) == base::read_file(dir.fd(), "b", 100'000));
  }
}

TEST_CASE("several images in one archive share what they have in common") {
  for (const Format& format : {formats[0], formats[1], formats[2]}) {
    CAPTURE(format.name);
    const base::TempDir dir;
    const std::string path = dir.path() + "/images";
    MemoryImage first({"base", "one"});
    MemoryImage second({"base", "two"});
    {
      const auto set = format.open(path);
      add(*set, first, {busybox});
      add(*set, second, {other});
      set->finish();
    }
    const auto found = registry::open_image_archive(path);
    REQUIRE(found.size() == 2);
    CHECK(found[0].names == std::vector<std::string>{busybox});
    CHECK(contents(*found[0].open()) == "base;one;" + first.config());
    CHECK(contents(*found[1].open()) == "base;two;" + second.config());
  }
}

TEST_CASE("an image is added to a layout that is there, and takes the place of one of the same name") {
  const base::TempDir dir;
  const std::string path = dir.path() + "/layout";
  write(registry::write_oci_folder(path), MemoryImage({"one"}), {busybox});
  write(registry::write_oci_folder(path), MemoryImage({"two"}), {other});
  write(registry::write_oci_folder(path), MemoryImage({"three"}), {busybox});
  const auto found = registry::open_image_archive(path);
  REQUIRE(found.size() == 2);
  CHECK(found[0].names == std::vector<std::string>{other});
  CHECK(contents(*found[1].open()).starts_with("three;"));
  CHECK(base::list_directory(dir.fd(), "layout") == std::vector<std::string>{"blobs", "index.json", "oci-layout"});
}

TEST_CASE("a folder of the kind dir is replaced whole") {
  const base::TempDir dir;
  const std::string path = dir.path() + "/image";
  write(registry::write_image_folder(path), MemoryImage({"one", "two"}), {});
  write(registry::write_image_folder(path), MemoryImage({"three"}), {});
  CHECK(base::list_directory(dir.fd(), "image").size() == 4);  // version, manifest.json, config, layer
  CHECK(contents(*registry::open_image_archive(path).front().open()).starts_with("three;"));
}

TEST_CASE("a folder that holds other things is left alone") {
  const base::TempDir dir;
  const base::UniqueFd home = base::make_directory(dir.fd(), "home");
  base::write_file_atomically(home.get(), "precious", "x", base::Durability::volatile_);
  for (const Format& format : {formats[0], formats[3]})
    CHECK(failure_of([&] { format.open(dir.path() + "/home"); }).find("holds other files") != std::string::npos);
  CHECK(base::list_directory(dir.fd(), "home") == std::vector<std::string>{"precious"});
}

TEST_CASE("of an image that is damaged, or not finished, nothing is left, and what was there stays") {
  for (const Format& format : formats) {
    CAPTURE(format.name);
    const base::TempDir dir;
    const std::string path = dir.path() + "/image";
    for (const bool is_there : {false, true}) {
      if (is_there) write(format.open(path), MemoryImage({"earlier"}), {other});
      MemoryImage damaged({"one", "two"});
      damaged.damage(base::sha256("two"));
      CHECK(failure_of([&] { write(format.open(path), damaged, {busybox}); }).find("digest") != std::string::npos);
      MemoryImage sound({"three"});
      add(*format.open(path), sound, {busybox});  // no finish
      CHECK(base::list_directory(dir.fd(), ".").size() == (is_there ? 1 : 0));
      if (!is_there) continue;
      const auto found = registry::open_image_archive(path);
      REQUIRE(found.size() == 1);
      CHECK(contents(*found[0].open()).starts_with("earlier;"));
    }
  }
}

TEST_CASE("layers that are not those of the config are no archive of docker save") {
  const base::TempDir dir;
  const auto swap = [](base::Source& source, oci::LayerCompression) {
    class Shouting final : public base::Source {
     public:
      explicit Shouting(base::Source& source) : source_(source) {}
      std::size_t read(void* buffer, std::size_t size) override {
        const std::size_t got = source_.read(buffer, size);
        for (std::size_t at = 0; at < got; ++at) static_cast<char*>(buffer)[at] = '!';
        return got;
      }

     private:
      base::Source& source_;
    };
    return std::unique_ptr<base::Source>{std::make_unique<Shouting>(source)};
  };
  CHECK(failure_of([&] {
          write(registry::write_docker_archive(dir.path() + "/a", swap), MemoryImage({"one"}), {});
        }).find("the layers are not those that the config names") != std::string::npos);
}

TEST_CASE("the old folders of docker save lead to the layers") {
  const base::TempDir dir;
  write(registry::write_docker_archive(dir.path() + "/a.tar", as_it_is), MemoryImage({"one", "two"}), {busybox});
  const auto index = registry::TarIndex::read(registry::open_archive_file(dir.path() + "/a.tar", {}), "a.tar");
  const auto read = [&](const std::string& name) {
    const auto range = index.find(name);
    return range ? registry::read_range(*range, 10'000, name) : "absent";
  };
  const base::JsonAt repositories = base::JsonAt::parse(read("repositories"), "repositories");
  const std::string top = repositories.at("docker.io/library/busybox").at("latest").string();
  CHECK(read(top + "/layer.tar") == "two");
  CHECK(read(top + "/VERSION") == "1.0");
  const std::string below = base::JsonAt::parse(read(top + "/json"), "json").at("parent").string();
  CHECK(read(below + "/layer.tar") == "one");
}
