#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "registry/oci_layout.hpp"
#include "registry/open_source.hpp"
#include "small_tar.hpp"

using registry::open_source;

namespace {

constexpr const char* manifest_type = "application/vnd.oci.image.manifest.v1+json";

/// An image whose manifest is only looked at as bytes.
struct Layout {
  std::string manifest = R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"})";
  std::string layer = "layer bytes";
  base::Digest manifest_digest = base::sha256(manifest);
  base::Digest layer_digest = base::sha256(layer);

  oci::Descriptor layer_descriptor() const {
    return {.media_type = "application/vnd.oci.image.layer.v1.tar", .digest = layer_digest, .size_bytes = layer.size()};
  }
  std::string entry(const std::string& name) const {
    std::string text = base::concat(R"({"mediaType":")", manifest_type, R"(","digest":")", manifest_digest,
                                    R"(","size":)", manifest.size());
    if (!name.empty()) text += R"(,"annotations":{"org.opencontainers.image.ref.name":")" + name + "\"}";
    return text + "}";
  }
  std::vector<std::pair<std::string, std::string>> files(const std::vector<std::string>& names) const {
    std::string index = R"({"schemaVersion":2,"manifests":[)";
    for (std::size_t at = 0; at < names.size(); ++at) index += (at == 0 ? "" : ",") + entry(names[at]);
    index += "]}";
    return {{"oci-layout", R"({"imageLayoutVersion":"1.0.0"})"},
            {"index.json", index},
            {base::concat("blobs/sha256/", manifest_digest.hex()), manifest},
            {base::concat("blobs/sha256/", layer_digest.hex()), layer}};
  }
};

void write_folder(const base::TempDir& dir, const std::vector<std::pair<std::string, std::string>>& files) {
  const base::UniqueFd blobs = base::make_directories(dir.fd(), "img/blobs/sha256");
  const base::UniqueFd top = base::make_directories(dir.fd(), "img");
  for (const auto& [name, text] : files) {
    const std::size_t slash = name.rfind('/');
    const int folder = slash == std::string::npos ? top.get() : blobs.get();
    base::write_file_atomically(folder, slash == std::string::npos ? name : name.substr(slash + 1), text,
                                base::Durability::volatile_);
  }
}

std::unique_ptr<registry::ImageSource> open(const std::string& name) {
  return open_source(registry::parse_source_name(name), {});
}

std::string failure_of(const std::string& name) {
  try {
    open(name)->root_manifest();
  } catch (const base::Error& error) {
    return error.message() + "; " + error.hint();
  }
  return {};
}

bool holds(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a layout folder and an archive give manifest and blobs, from any offset") {
  const base::TempDir dir;
  const Layout layout;
  const auto files = layout.files({"v1"});
  write_folder(dir, files);
  registry_test::SmallTar tar;
  for (const auto& [name, text] : files) tar.file("./" + name, text);
  base::write_file_atomically(dir.fd(), "img.tar", tar.bytes(), base::Durability::volatile_);
  for (const std::string& name :
       {"oci:" + dir.path() + "/img", "oci:" + dir.path() + "/img:v1", "oci-archive:" + dir.path() + "/img.tar",
        "oci-archive:" + dir.path() + "/img.tar:v1"}) {
    const auto& shown = name;
    CAPTURE(shown);
    const auto source = open(name);
    const registry::ManifestBytes root = source->root_manifest();
    CHECK(root.bytes == layout.manifest);
    CHECK(root.media_type == manifest_type);
    CHECK(root.digest == layout.manifest_digest);
    CHECK(source->suggested_name() == "localhost/img:v1");
    base::StringSink whole{100};
    source->blob(layout.layer_descriptor(), whole, 0);
    CHECK(whole.take() == layout.layer);
    base::StringSink rest{100};
    source->blob(layout.layer_descriptor(), rest, 6);
    CHECK(rest.take() == "bytes");
  }
}

TEST_CASE("of several images one must be named, and the names are listed") {
  const base::TempDir dir;
  write_folder(dir, Layout{}.files({"v1", "quay.io/a/b:2"}));
  const std::string place = "oci:" + dir.path() + "/img";
  CHECK(holds(failure_of(place), "several images"));
  CHECK(holds(failure_of(place), "v1, quay.io/a/b:2"));
  CHECK(holds(failure_of(place + ":v3"), "no image \"v3\""));
  CHECK(open(place + ":quay.io/a/b:2")->suggested_name() == "quay.io/a/b:2");
}

TEST_CASE("damaged layouts are refused") {
  const Layout layout;
  const auto refused_with = [&](std::size_t which, const std::string& text) {
    const base::TempDir dir;
    auto files = layout.files({"v1"});
    if (text == "remove")
      files.erase(files.begin() + static_cast<std::ptrdiff_t>(which));
    else
      files[which].second = text;
    write_folder(dir, files);
    return failure_of("oci:" + dir.path() + "/img");
  };
  CHECK(holds(refused_with(0, "remove"), "no oci-layout"));
  CHECK(holds(refused_with(0, "{}"), "imageLayoutVersion"));
  CHECK(holds(refused_with(0, R"({"imageLayoutVersion":"2.0.0"})"), "version"));
  CHECK(holds(refused_with(1, "remove"), "no index.json"));
  CHECK(holds(refused_with(1, R"({"schemaVersion":2,"manifests":[]})"), "no image"));
  CHECK(holds(refused_with(2, "remove"), "lacks blob"));
  CHECK(holds(refused_with(2, "short"), "bytes instead of"));
  std::string changed = layout.manifest;
  changed.back() = ']';
  CHECK(holds(refused_with(2, changed), "has the digest"));
  CHECK(holds(failure_of("oci:/nowhere/at/all"), "/nowhere/at/all"));
}

TEST_CASE("a link among the blobs is not followed") {
  const base::TempDir dir;
  const Layout layout;
  write_folder(dir, layout.files({"v1"}));
  base::write_file_atomically(dir.fd(), "outside", layout.manifest, base::Durability::volatile_);
  const std::string blob = base::concat(dir.path(), "/img/blobs/sha256/", layout.manifest_digest.hex());
  REQUIRE(::unlink(blob.c_str()) == 0);
  REQUIRE(::symlink((dir.path() + "/outside").c_str(), blob.c_str()) == 0);
  CHECK_FALSE(failure_of("oci:" + dir.path() + "/img").empty());
}

TEST_CASE("names without a registry are made from the file name") {
  CHECK(registry::name_from_path("/tmp/Img.tar", "") == "localhost/img:latest");
  CHECK(registry::name_from_path("/tmp/dir/", "v1") == "localhost/dir:v1");
  CHECK(registry::name_from_path("x.tar.gz", "") == "localhost/x:latest");
  CHECK(registry::name_from_path("/tmp/a b", "").empty());
  CHECK(registry::name_from_path("/", "").empty());
}
