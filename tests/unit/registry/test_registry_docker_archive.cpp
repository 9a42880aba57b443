#include <doctest/doctest.h>
#include <sys/wait.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/oci/manifest.hpp"
#include "base/process.hpp"
#include "registry/open_source.hpp"
#include "small_tar.hpp"

using registry_test::SmallTar;

namespace {

const std::string first_layer = "first layer";
const std::string second_layer = "second layer, longer";

std::string config_json() {
  return base::concat(R"({"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[")",
                      base::sha256(first_layer), R"(",")", base::sha256(second_layer), R"("]}})");
}

std::string image_json(const char* tags) {
  return base::concat(R"({"Config":"c.json","RepoTags":)", tags, R"(,"Layers":["1/layer.tar","2/layer.tar"]})");
}

SmallTar image_with(const std::string& manifest_json) {
  SmallTar tar;
  tar.file("c.json", config_json()).file("shared.tar", first_layer).symbolic_link("1/layer.tar", "../shared.tar");
  tar.file("2/layer.tar", second_layer).file("manifest.json", manifest_json);
  return tar;
}

std::unique_ptr<registry::ImageSource> open(const base::TempDir& dir, const std::string& bytes,
                                            const std::string& name = "") {
  base::write_file_atomically(dir.fd(), "a.tar", bytes, base::Durability::volatile_);
  return registry::open_source({"docker-archive", dir.path() + "/a.tar" + (name.empty() ? "" : ":" + name)}, {});
}

std::string failure_of(const std::string& bytes, const std::string& name = "") {
  const base::TempDir dir;
  try {
    open(dir, bytes, name);
  } catch (const base::Error& error) {
    return error.message() + "; " + error.hint();
  }
  return {};
}

bool holds(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

std::string blob_text(registry::ImageSource& source, const oci::Descriptor& descriptor, std::uint64_t offset = 0) {
  base::StringSink sink{10'000};
  source.blob(descriptor, sink, offset);
  return sink.take();
}

}  // namespace

TEST_CASE("an archive of docker save becomes a schema 2 manifest with its blobs") {
  const base::TempDir dir;
  const auto source = open(dir, image_with("[" + image_json(R"(["busybox:1"])") + "]").bytes());
  const registry::ManifestBytes root = source->root_manifest();
  CHECK(root.digest == base::sha256(root.bytes));
  const auto parsed = oci::parse_manifest(root.bytes, root.media_type, "manifest");
  const auto& manifest = std::get<oci::Manifest>(parsed);
  CHECK(manifest.media_type == oci::media_type_docker_manifest);
  CHECK(manifest.config.digest == base::sha256(config_json()));
  REQUIRE(manifest.layers.size() == 2);
  CHECK(oci::layer_compression(manifest.layers[0]) == oci::LayerCompression::none);
  CHECK(blob_text(*source, manifest.config) == config_json());
  CHECK(blob_text(*source, manifest.layers[0]) == first_layer);
  CHECK(blob_text(*source, manifest.layers[1], 7) == second_layer.substr(7));
  CHECK(manifest.layers[1].size_bytes == second_layer.size());
  CHECK(source->suggested_name() == "docker.io/library/busybox:1");
}

TEST_CASE("one of several images is chosen by name or by its place") {
  const std::string bytes =
      image_with("[" + image_json(R"(["busybox:1"])") + "," + image_json(R"(["quay.io/a/b:2"])") + "]").bytes();
  const base::TempDir dir;
  CHECK(open(dir, bytes, "busybox:1")->suggested_name() == "docker.io/library/busybox:1");
  CHECK(open(dir, bytes, "docker.io/library/busybox:1")->suggested_name() == "docker.io/library/busybox:1");
  CHECK(open(dir, bytes, "@1")->suggested_name() == "quay.io/a/b:2");
  CHECK(holds(failure_of(bytes), "several images"));
  CHECK(holds(failure_of(bytes, "busybox:2"), "no image"));
  CHECK(holds(failure_of(bytes, "busybox:2"), "busybox:1, quay.io/a/b:2"));
  CHECK(holds(failure_of(bytes, "@2"), "no image"));
}

TEST_CASE("an image without tags has no name") {
  const base::TempDir dir;
  CHECK(open(dir, image_with("[" + image_json("null") + "]").bytes())->suggested_name().empty());
}

TEST_CASE("a compressed archive is read like a plain one") {
  const base::TempDir dir;
  const std::string bytes = image_with("[" + image_json(R"(["busybox:1"])") + "]").bytes();
  const base::Digest plain = open(dir, bytes)->root_manifest().digest;
  const std::optional<std::string> gzip = base::find_program("gzip");
  REQUIRE(gzip);
  base::Command command;
  command.path = *gzip;
  command.argv = {"gzip", dir.path() + "/a.tar"};
  REQUIRE(base::run_and_capture(command, std::chrono::seconds{20}).status.code == 0);
  const auto source = registry::open_source({"docker-archive", dir.path() + "/a.tar.gz"}, {});
  CHECK(source->root_manifest().digest == plain);
}

TEST_CASE("damaged archives of docker save are refused") {
  const std::string image = image_json(R"(["busybox:1"])");
  CHECK(holds(failure_of(SmallTar{}.file("x", "").bytes()), "no \"manifest.json\""));
  CHECK(holds(failure_of(image_with("[]").bytes()), "no image"));
  CHECK(holds(failure_of(image_with("{}").bytes()), "manifest.json"));
  CHECK(holds(failure_of(image_with(R"([{"Config":"absent.json","Layers":[]}])").bytes()), "absent.json"));
  CHECK(holds(failure_of(image_with(R"([{"Config":"c.json","Layers":["2/layer.tar"]}])").bytes()), "1 layers"));
  CHECK(holds(failure_of(image_with(R"([{"Config":"c.json","Layers":["2/layer.tar","../../etc/passwd"]}])").bytes()),
              "etc/passwd"));
  CHECK(holds(failure_of("no tar at all"), "cut off"));
  CHECK(holds(failure_of(std::string("\x1f\x8b\x08\x00", 4) + "broken"), "uncompressing"));
}
