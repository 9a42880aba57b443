#include <doctest/doctest.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/oci/image_config.hpp"
#include "base/oci/manifest.hpp"
#include "engine/mutate_config.hpp"

using base::JsonAt;
using engine::change_config;
using engine::change_manifest;

namespace {

const std::string diff_id = base::sha256("layer").text();
const std::string config_text =
    R"({"architecture":"amd64","os":"linux","moby.unknown":{"kept":[1,2]},"config":{"Env":["PATH=/bin","A=1"],"Cmd":["sh"],)"
    R"("Healthcheck":{"Test":["NONE"]},"Labels":{"l":"1"}},"rootfs":{"type":"layers","diff_ids":[")" +
    diff_id + R"("]},"history":[{"created_by":"x"}]})";

engine::AddedLayer added(std::string type = "application/vnd.oci.image.layer.v1.tar+gzip") {
  return {{.media_type = std::move(type),
           .digest = base::sha256("blob"),
           .size_bytes = 4,
           .platform = {},
           .annotations = {}},
          base::sha256("new")};
}

std::string manifest_of(std::string_view type) {
  const std::string digest = base::sha256("x").text();
  return base::concat(R"({"schemaVersion":2,"mediaType":")", type, R"(","config":{"mediaType":"c/c","digest":")",
                      digest, R"(","size":1},"layers":[{"mediaType":"l/l","digest":")", digest,
                      R"(","size":1,"annotations":{"k":"v"}}],"annotations":{"a":"1"}})");
}

oci::Descriptor new_config() {
  return {.media_type = "c/c", .digest = base::sha256("config"), .size_bytes = 6, .platform = {}, .annotations = {}};
}

}  // namespace

TEST_CASE("what is not changed stays, also what only others know") {
  const JsonAt json = JsonAt::parse(change_config(config_text, {}, {}, ""), "config");
  const JsonAt old = JsonAt::parse(config_text, "config");
  for (const auto& [key, value] : old.members()) CHECK(json.at(key).dump() == value.dump());
}

TEST_CASE("variables and labels replace older ones of their name") {
  engine::ConfigChanges changes;
  changes.env = {"A=2", "B=3"};
  changes.labels = {"l=2", "m=3"};
  changes.ports = {"80", "53/udp"};
  const JsonAt inner = JsonAt::parse(change_config(config_text, changes, {}, ""), "config").at("config");
  CHECK(inner.at("Env").strings() == std::vector<std::string>{"PATH=/bin", "A=2", "B=3"});
  CHECK(inner.at("Labels").at("l").string() == "2");
  CHECK(inner.at("Labels").at("m").string() == "3");
  CHECK(inner.at("ExposedPorts").has("80/tcp"));
  CHECK(inner.at("ExposedPorts").has("53/udp"));
  changes.env = {"=x"};
  CHECK_THROWS_AS(change_config(config_text, changes, {}, ""), base::Error);
}

TEST_CASE("a new entrypoint takes the command away unless there is a new one") {
  engine::ConfigChanges changes;
  changes.entrypoint = {"/app"};
  CHECK_FALSE(JsonAt::parse(change_config(config_text, changes, {}, ""), "config").at("config").has("Cmd"));
  changes.command = {"x"};
  CHECK(oci::parse_image_config(change_config(config_text, changes, {}, ""), "config").cmd ==
        std::vector<std::string>{"x"});
}

TEST_CASE("an added layer is the last of the diff ids and of the history") {
  const auto config =
      oci::parse_image_config(change_config(config_text, {}, {added()}, "2026-01-02T03:04:05Z"), "config");
  REQUIRE(config.diff_ids.size() == 2);
  CHECK(config.diff_ids[0].text() == diff_id);
  CHECK(config.diff_ids[1] == base::sha256("new"));
  REQUIRE(config.history.size() == 2);
  CHECK(config.history[1].created == "2026-01-02T03:04:05Z");
}

TEST_CASE("the platform is said anew as a whole") {
  engine::ConfigChanges changes;
  changes.platform = oci::parse_platform("linux/arm/v7");
  CHECK(oci::parse_image_config(change_config(config_text, changes, {}, ""), "config").platform == *changes.platform);
}

TEST_CASE("layers of a manifest stay as they are, and new ones speak its language") {
  const JsonAt oci_json = JsonAt::parse(
      change_manifest(manifest_of(oci::media_type_oci_manifest), new_config(), {added()}, {"a=2", "b=3"}), "manifest");
  CHECK(oci_json.at("layers").array()[0].at("annotations").at("k").string() == "v");
  CHECK(oci_json.at("layers").array()[1].at("mediaType").string() == "application/vnd.oci.image.layer.v1.tar+gzip");
  CHECK(oci_json.at("config").at("digest").digest() == base::sha256("config"));
  CHECK(oci_json.at("annotations").at("a").string() == "2");
  const std::string docker = manifest_of(oci::media_type_docker_manifest);
  const JsonAt docker_json = JsonAt::parse(change_manifest(docker, new_config(), {added()}, {}), "manifest");
  CHECK(docker_json.at("layers").array()[1].at("mediaType").string() ==
        "application/vnd.docker.image.rootfs.diff.tar.gzip");
  CHECK_THROWS_AS(change_manifest(docker, new_config(), {added("application/vnd.oci.image.layer.v1.tar+zstd")}, {}),
                  base::Error);
}
