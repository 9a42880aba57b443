#include <doctest/doctest.h>

#include "base/error.hpp"
#include "base/oci/manifest.hpp"
#include "engine/convert_manifest.hpp"

using engine::convert_manifest;
using engine::ManifestFormat;

namespace {

const std::string digest = "sha256:" + std::string(64, 'a');
const std::string oci_text =
    R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":")" +
    digest + R"(","size":7},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":")" + digest +
    R"(","size":9,"annotations":{"a":"b"}}]})";

registry::ManifestBytes manifest(const std::string& bytes) {
  return {bytes, {}, base::sha256(bytes)};
}

}  // namespace

TEST_CASE("a manifest that has the format already keeps its bytes") {
  CHECK(convert_manifest(manifest(oci_text), ManifestFormat::oci).bytes == oci_text);
}

TEST_CASE("a manifest is converted to Docker's format and back") {
  const registry::ManifestBytes docker = convert_manifest(manifest(oci_text), ManifestFormat::docker);
  CHECK(docker.media_type == oci::media_type_docker_manifest);
  CHECK(docker.digest == base::sha256(docker.bytes));
  const auto parsed = std::get<oci::Manifest>(oci::parse_manifest(docker.bytes, docker.media_type, "docker"));
  CHECK(parsed.config.media_type == "application/vnd.docker.container.image.v1+json");
  REQUIRE(parsed.layers.size() == 1);
  CHECK(parsed.layers[0].media_type == "application/vnd.docker.image.rootfs.diff.tar.gzip");
  CHECK(parsed.layers[0].size_bytes == 9);
  CHECK(parsed.layers[0].annotations.empty());
  const registry::ManifestBytes back = convert_manifest(docker, ManifestFormat::oci);
  CHECK(std::get<oci::Manifest>(oci::parse_manifest(back.bytes, "", "back")).layers[0].media_type ==
        "application/vnd.oci.image.layer.v1.tar+gzip");
}

TEST_CASE("what has no type in the other format is refused") {
  std::string artifact = oci_text;
  artifact.replace(artifact.find("image.config.v1+json"), 20, "example.config+json");
  CHECK_THROWS_AS(convert_manifest(manifest(artifact), ManifestFormat::docker), base::Error);
  const std::string index = R"({"schemaVersion":2,"manifests":[]})";
  CHECK_THROWS_AS(convert_manifest(manifest(index), ManifestFormat::docker), base::Error);
}

TEST_CASE("formats have podman's names") {
  CHECK(engine::parse_manifest_format("oci") == ManifestFormat::oci);
  CHECK(engine::parse_manifest_format("v2s2") == ManifestFormat::docker);
  CHECK_THROWS_AS(engine::parse_manifest_format("v2s1"), base::Error);
  CHECK_THROWS_AS(engine::parse_manifest_format("x"), base::Error);
}
