#include <doctest/doctest.h>

#include "base/error.hpp"
#include "base/oci/manifest.hpp"

using namespace oci;

namespace {

const std::string hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string descriptor(std::string_view type, int size = 7) {
  return base::concat(R"({"mediaType":")", type, R"(","digest":"sha256:)", hex, R"(","size":)", size, "}");
}

const std::string config = R"("config":)" + descriptor("application/vnd.oci.image.config.v1+json");
const std::string layers = R"("layers":[)" + descriptor("application/vnd.oci.image.layer.v1.tar+gzip", 9) + "]";
const std::string manifests =
    R"("manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:)" + hex +
    R"(","size":5,"platform":{"os":"linux","architecture":"arm64","variant":"v8"},"annotations":{"k":"v"}}])";

std::string document(std::string_view type, std::string_view fields) {
  const std::string type_field = type.empty() ? "" : base::concat(R"("mediaType":")", type, "\",");
  return base::concat(R"({"schemaVersion":2,)", type_field, fields, "}");
}

base::ErrorKind refusal(std::string_view bytes, std::string_view content_type = "") {
  try {
    parse_manifest(bytes, content_type, "test");
  } catch (const base::Error& error) {
    return error.kind();
  }
  FAIL("accepted: " << std::string{bytes});
  return base::ErrorKind::internal;
}

}  // namespace

TEST_CASE("a manifest gives its config and layers") {
  const auto parsed = parse_manifest(document(media_type_oci_manifest, config + "," + layers), "", "test");
  const Manifest& manifest = std::get<Manifest>(parsed);
  CHECK(manifest.media_type == media_type_oci_manifest);
  CHECK(manifest.config.size_bytes == 7);
  REQUIRE(manifest.layers.size() == 1);
  CHECK(manifest.layers[0].digest.hex() == hex);
  CHECK(layer_compression(manifest.layers[0]) == LayerCompression::gzip);
}

TEST_CASE("an index gives its entries with their platforms") {
  const auto parsed = parse_manifest(document(media_type_docker_list, manifests), media_type_docker_list, "test");
  const Index& index = std::get<Index>(parsed);
  REQUIRE(index.manifests.size() == 1);
  CHECK(index.manifests[0].platform->to_string() == "linux/arm64/v8");
  CHECK(index.manifests[0].annotations[0].second == "v");
}

TEST_CASE("the kind comes from the body, else from the content type, else from the fields") {
  const std::string image = config + "," + layers;
  CHECK(std::holds_alternative<Manifest>(parse_manifest(document("", image), "", "test")));
  CHECK(std::holds_alternative<Index>(parse_manifest(document("", manifests), "", "test")));
  CHECK(std::get<Manifest>(parse_manifest(document("", image), media_type_docker_manifest, "test")).media_type ==
        media_type_docker_manifest);
  for (const char* generic : {"application/json", "text/plain; charset=utf-8", "application/octet-stream"})
    CHECK(std::holds_alternative<Manifest>(parse_manifest(document(media_type_oci_manifest, image), generic, "test")));
  const std::string with_parameter = std::string{media_type_oci_manifest} + "; charset=utf-8";
  CHECK(std::holds_alternative<Manifest>(
      parse_manifest(document(media_type_oci_manifest, image), with_parameter, "test")));
}

TEST_CASE("a document that two readers could take for two things is refused") {
  const std::string image = config + "," + layers;
  using base::ErrorKind;
  CHECK(refusal(document("", image + "," + manifests)) == ErrorKind::corrupt);
  CHECK(refusal(document(media_type_oci_manifest, layers + "," + manifests)) == ErrorKind::corrupt);
  CHECK(refusal(document(media_type_oci_index, image)) == ErrorKind::corrupt);
  CHECK(refusal(document(media_type_oci_manifest, manifests)) == ErrorKind::corrupt);
  CHECK(refusal(document("", manifests), media_type_oci_manifest) == ErrorKind::corrupt);
  CHECK(refusal(document("", image), media_type_oci_index) == ErrorKind::corrupt);
  CHECK(refusal(document(media_type_oci_manifest, image), media_type_oci_index) == ErrorKind::corrupt);
  CHECK(refusal(document(media_type_oci_manifest, image), media_type_docker_manifest) == ErrorKind::corrupt);
  CHECK(refusal(document("", image + R"(,"fsLayers":[])")) == ErrorKind::corrupt);
}

TEST_CASE("schema 1 and unknown kinds are unsupported, with a clear message") {
  CHECK(refusal(R"({"schemaVersion":1,"fsLayers":[]})") == base::ErrorKind::unsupported);
  CHECK(refusal("{}", "application/vnd.docker.distribution.manifest.v1+prettyjws") == base::ErrorKind::unsupported);
  CHECK(refusal(document("application/vnd.example+json", config + "," + layers)) == base::ErrorKind::unsupported);
  CHECK_THROWS_WITH_AS(parse_manifest(R"({"schemaVersion":1})", "", "manifest of \"x\""),
                       "manifest of \"x\" is a Docker schema 1 manifest, which is no longer supported", base::Error);
}

TEST_CASE("malformed manifests are refused") {
  const std::string good = "sha256:" + hex;
  for (const std::string& bad :
       {std::string{"[]"}, std::string{"{}"}, std::string{R"({"schemaVersion":3})"}, document("", config),
        document("", layers), document("", config + R"(,"layers":{})"),
        document("", config + R"(,"layers":[{"mediaType":"x","digest":"md5:1","size":1}])"),
        document("", config + R"(,"layers":[{"mediaType":"x","digest":")" + good + R"(","size":-1}])"),
        document("", config + R"(,"layers":[{"mediaType":"x","digest":")" + good + R"("}])"),
        document("", config + R"(,"layers":[{"digest":")" + good + R"(","size":1}])"),
        document("", config + R"(,"layers":[],"layers":[])")}) {
    CAPTURE(bad);
    CHECK(refusal(bad) == base::ErrorKind::corrupt);
  }
}

TEST_CASE("500 layers are allowed and 501 are not") {
  const auto with_layers = [](std::size_t count) {
    std::string list;
    for (std::size_t index = 0; index < count; ++index) list += (index == 0 ? "" : ",") + descriptor("x");
    return document("", config + R"(,"layers":[)" + list + "]");
  };
  CHECK(std::get<Manifest>(parse_manifest(with_layers(500), "", "test")).layers.size() == 500);
  CHECK(refusal(with_layers(501)) == base::ErrorKind::corrupt);
}

TEST_CASE("the compression of a layer comes from its media type") {
  const auto compression = [](std::string type) {
    return layer_compression({std::move(type), base::Digest::from_hex(hex), 1, std::nullopt, {}});
  };
  CHECK(compression("application/vnd.oci.image.layer.v1.tar") == LayerCompression::none);
  CHECK(compression("application/vnd.oci.image.layer.v1.tar+zstd") == LayerCompression::zstd);
  CHECK(compression("application/vnd.docker.image.rootfs.diff.tar.gzip") == LayerCompression::gzip);
  for (const char* bad : {"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                          "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                          "application/vnd.oci.image.layer.v1.tar+gzip+encrypted", "application/x-tar", ""}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(compression(bad), base::Error);
  }
}
