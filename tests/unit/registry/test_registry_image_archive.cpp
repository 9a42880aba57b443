#include <doctest/doctest.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/oci/manifest.hpp"
#include "registry/image_archive.hpp"
#include "small_tar.hpp"

using registry_test::SmallTar;

namespace {

const std::string layer = "a layer";

std::string config_json() {
  return base::concat(R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[")",
                      base::sha256(layer), R"("]}})");
}

std::string saved(const std::string& config, const std::string& layer_name, const char* tags = "[]") {
  return base::concat(R"([{"Config":")", config, R"(","RepoTags":)", tags, R"(,"Layers":[")", layer_name, R"("]}])");
}

/// Opens everything in an archive, and reads what it says.
std::string failure_of(const std::string& bytes) {
  const base::TempDir dir;
  base::write_file_atomically(dir.fd(), "a.tar", bytes, base::Durability::volatile_);
  try {
    for (const registry::ArchivedImage& image : registry::open_image_archive(dir.path() + "/a.tar")) {
      const auto source = image.open();
      const registry::ManifestBytes root = source->root_manifest();
      const auto parsed = oci::parse_manifest(root.bytes, root.media_type, "manifest");
      base::StringSink sink{100'000};
      for (const oci::Descriptor& one : std::get<oci::Manifest>(parsed).layers) source->blob(one, sink, 0);
    }
  } catch (const base::Error& error) {
    return error.message();
  }
  return "no failure";
}

bool holds(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

std::string oci_with(const std::string& index) {
  return SmallTar{}.file("oci-layout", R"({"imageLayoutVersion":"1.0.0"})").file("index.json", index).bytes();
}

}  // namespace

TEST_CASE("every image of an archive is found with all of its names") {
  const base::TempDir dir;
  SmallTar tar;
  tar.file("c.json", config_json()).file("l.tar", layer);
  tar.file("manifest.json", R"([{"Config":"c.json","RepoTags":["busybox:1","busybox:1","quay.io/x/y:2"],)"
                            R"("Layers":["l.tar"]},{"Config":"c.json","RepoTags":null,"Layers":["l.tar"]}])");
  base::write_file_atomically(dir.fd(), "a.tar", tar.bytes(), base::Durability::volatile_);
  const auto images = registry::open_image_archive(dir.path() + "/a.tar");
  REQUIRE(images.size() == 2);
  CHECK(images[0].names == std::vector<std::string>{"docker.io/library/busybox:1", "quay.io/x/y:2"});
  CHECK(images[1].names.empty());
}

TEST_CASE("names in a hostile archive lead nowhere but to its own files") {
  for (const char* name : {"../../etc/passwd", "/etc/passwd", "..", "loop", "out"}) {
    CAPTURE(name);
    SmallTar tar;
    tar.file("c.json", config_json()).symbolic_link("loop", "loop").symbolic_link("out", "../../etc/passwd");
    tar.file("manifest.json", saved("c.json", name));
    CHECK(holds(failure_of(tar.bytes()), "it has no"));
    SmallTar config;
    config.file("l.tar", layer).symbolic_link("loop", "loop").symbolic_link("out", "/etc/passwd");
    config.file("manifest.json", saved(name, "l.tar"));
    CHECK(holds(failure_of(config.bytes()), "it has no"));
  }
}

TEST_CASE("of two members with one name the later one counts, as in an unpacked archive") {
  SmallTar tar;
  tar.file("c.json", "{}").file("c.json", config_json()).file("l.tar", "another").file("l.tar", layer);
  tar.file("manifest.json", saved("c.json", "l.tar"));
  CHECK(failure_of(tar.bytes()) == "no failure");
}

TEST_CASE("a file larger than any manifest or config is not read") {
  const std::string huge(oci::max_manifest_bytes + 1, ' ');
  CHECK(holds(failure_of(SmallTar{}.file("manifest.json", huge).bytes()), "is longer than"));
  CHECK(holds(failure_of(oci_with(huge)), "is longer than"));
  SmallTar config;
  config.file("c.json", std::string(oci::max_config_bytes + 1, ' ')).file("l.tar", layer);
  CHECK(holds(failure_of(config.file("manifest.json", saved("c.json", "l.tar")).bytes()), "is longer than"));
}

TEST_CASE("a manifest that is absent, of the wrong kind or nested too deep is one clear line") {
  CHECK(holds(failure_of(SmallTar{}.file("x", "y").bytes()), "holds no image"));
  CHECK(holds(failure_of(SmallTar{}.file("manifest.json", "[1]").bytes()), "manifest.json"));
  CHECK(holds(failure_of(SmallTar{}.file("manifest.json", std::string(5000, '[')).bytes()), "manifest.json"));
  CHECK(holds(failure_of(oci_with("[]")), "index.json"));
  CHECK(holds(failure_of(oci_with(R"({"schemaVersion":2,"manifests":[{"size":1}]})")), "index.json"));
}

TEST_CASE("a blob that is absent, or has another size than its descriptor says, is named") {
  const std::string index =
      base::concat(R"({"schemaVersion":2,"manifests":[{"mediaType":")", oci::media_type_oci_manifest, R"(","digest":")",
                   base::sha256("{}"), R"(","size":)");
  CHECK(holds(failure_of(oci_with(index + "2}]}")), "lacks blob sha256:"));
  SmallTar tar;
  tar.file("oci-layout", R"({"imageLayoutVersion":"1.0.0"})").file("index.json", index + "3}]}");
  tar.file(base::concat("blobs/sha256/", base::sha256("{}").hex()), "{}");
  CHECK(holds(failure_of(tar.bytes()), "has 2 bytes instead of 3"));
}

TEST_CASE("a bare tag of an archive is a local name, and an annotation that is no name is none") {
  const base::TempDir dir;
  const auto names_with = [&](const std::string& name) {
    const std::string index = base::concat(
        R"({"schemaVersion":2,"manifests":[{"mediaType":")", oci::media_type_oci_manifest, R"(","digest":")",
        base::sha256("{}"), R"(","size":2,"annotations":{"org.opencontainers.image.ref.name":")", name, R"("}}]})");
    base::write_file_atomically(dir.fd(), "a.tar", oci_with(index), base::Durability::volatile_);
    return registry::open_image_archive(dir.path() + "/a.tar").front().names;
  };
  CHECK(names_with("v1") == std::vector<std::string>{"localhost/v1:latest"});
  CHECK(names_with("quay.io/x/y:2") == std::vector<std::string>{"quay.io/x/y:2"});
  CHECK(names_with("../../x").empty());
  CHECK(names_with("NOT A NAME").empty());
}
