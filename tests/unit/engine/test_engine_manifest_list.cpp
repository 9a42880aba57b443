#include <doctest/doctest.h>

#include "base/error.hpp"
#include "base/oci/manifest.hpp"
#include "engine/artifacts.hpp"
#include "engine/manifest_list.hpp"

using engine::ListInstance;
using engine::ManifestList;

namespace {

ListInstance instance(std::string_view content, std::string_view type = oci::media_type_oci_manifest) {
  return {.media_type = std::string{type}, .digest = base::sha256(content), .size_bytes = content.size()};
}

ManifestList full_list() {
  ManifestList list;
  list.created = "2026-01-02T03:04:05Z";
  list.annotations = {{"of", "the list"}};
  ListInstance arm = instance("arm");
  arm.os = "linux";
  arm.architecture = "arm64";
  arm.variant = "v8";
  arm.os_version = "1";
  arm.os_features = {"one"};
  arm.features = {"two"};
  arm.annotations = {{"a", "b"}};
  arm.source = "docker://quay.io/a/b:1";
  put_instance(list, arm);
  put_instance(list, instance("bare"));
  list.subject = engine::ListSubject{std::string{oci::media_type_oci_manifest}, base::sha256("subject"), 7};
  return list;
}

}  // namespace

TEST_CASE("a list that is written and read again says the same") {
  const std::string index = render_index(full_list());
  ManifestList again = engine::parse_manifest_list(index, "list");
  engine::read_list_config(render_list_config(full_list()), again);
  CHECK(render_index(again) == index);
  CHECK(again.created == "2026-01-02T03:04:05Z");
  CHECK(again.instances[0].source == "docker://quay.io/a/b:1");
  CHECK(again.instances[1].source.empty());
}

TEST_CASE("where an image came from is not part of the index") {
  ManifestList list = full_list();
  const std::string index = render_index(list);
  list.instances[0].source = "oci:/elsewhere";
  CHECK(render_index(list) == index);
}

TEST_CASE("an instance is in a list once") {
  ManifestList list = full_list();
  ListInstance other = instance("bare");
  other.architecture = "s390x";
  put_instance(list, other);
  REQUIRE(list.instances.size() == 2);
  CHECK(list.instances[1].architecture == "s390x");
}

TEST_CASE("a list of Docker's names only images in Docker's format") {
  CHECK_THROWS_AS(render_docker_list(full_list()), base::Error);
  ManifestList list;
  put_instance(list, instance("docker", oci::media_type_docker_manifest));
  const ManifestList again = engine::parse_manifest_list(render_docker_list(list), "list");
  CHECK(again.instances[0].digest == base::sha256("docker"));
}

TEST_CASE("a list has room for a thousand instances and no more") {
  ManifestList list;
  for (std::size_t i = 0; i < engine::max_list_instances; ++i) put_instance(list, instance(base::concat("image ", i)));
  CHECK_NOTHROW(put_instance(list, instance("image 7")));
  CHECK_THROWS_AS(put_instance(list, instance("one more")), base::Error);
}

TEST_CASE("a manifest of a single image is no list") {
  const std::string digest = base::sha256("config").text();
  const std::string manifest =
      base::concat(R"({"schemaVersion":2,"mediaType":")", oci::media_type_oci_manifest,
                   R"(","config":{"mediaType":"x/y","digest":")", digest, R"(","size":6},"layers":[]})");
  CHECK_THROWS_AS(engine::parse_manifest_list(manifest, "list"), base::Error);
}

TEST_CASE("annotations are KEY=VALUE, and the last one counts") {
  engine::AnnotationMap map;
  engine::set_annotation(map, "a=1");
  engine::set_annotation(map, "b=x=y");
  engine::set_annotation(map, "a=2");
  CHECK(map == engine::AnnotationMap{{"a", "2"}, {"b", "x=y"}});
  CHECK_THROWS_AS(engine::set_annotation(map, "nothing"), base::Error);
  CHECK_THROWS_AS(engine::set_annotation(map, "=value"), base::Error);
}

TEST_CASE("only a plain name can be the name of an extracted file") {
  for (const char* good : {"a", "model.bin", "..a", "a b", "-rf"}) CHECK(engine::is_plain_file_name(good));
  for (const char* bad : {"", ".", "..", "/etc/passwd", "../a", "a/b", "a/", "a\nb", "\x1b[31m", "a\x7f"})
    CHECK_FALSE(engine::is_plain_file_name(bad));
  CHECK_FALSE(engine::is_plain_file_name(std::string_view{"a\0b", 3}));
  CHECK(engine::is_plain_file_name(std::string(255, 'a')));
  CHECK_FALSE(engine::is_plain_file_name(std::string(256, 'a')));
}
