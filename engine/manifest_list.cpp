#include "engine/manifest_list.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/oci/manifest.hpp"

namespace engine {
namespace {

using base::JsonAt;
using base::JsonWriter;

AnnotationMap annotations_of(const JsonAt& json) {
  const auto found = json.find("annotations");
  return found ? found->string_map() : AnnotationMap{};
}

void read_platform(const JsonAt& platform, ListInstance& instance) {
  instance.architecture = platform.string_or("architecture", "");
  instance.os = platform.string_or("os", "");
  instance.variant = platform.string_or("variant", "");
  instance.os_version = platform.string_or("os.version", "");
  instance.os_features = platform.strings_or_empty("os.features");
  instance.features = platform.strings_or_empty("features");
}

ListInstance parse_instance(const JsonAt& json) {
  ListInstance instance{.media_type = json.at("mediaType").string(),
                        .digest = json.at("digest").digest(),
                        .size_bytes = json.at("size").unsigned_integer(),
                        .artifact_type = json.string_or("artifactType", ""),
                        .annotations = annotations_of(json)};
  if (const auto platform = json.find("platform")) read_platform(*platform, instance);
  return instance;
}

void write_list_of(JsonWriter& json, std::string_view name, const std::vector<std::string>& values) {
  if (!values.empty()) json.member(name, values);
}

bool has_platform(const ListInstance& instance) {
  return !instance.os.empty() || !instance.architecture.empty() || !instance.variant.empty() ||
         !instance.os_version.empty() || !instance.os_features.empty() || !instance.features.empty();
}

void write_platform(JsonWriter& json, const ListInstance& instance) {
  if (!has_platform(instance)) return;
  json.key("platform").begin_object();
  json.member("architecture", instance.architecture).member("os", instance.os);
  if (!instance.os_version.empty()) json.member("os.version", instance.os_version);
  write_list_of(json, "os.features", instance.os_features);
  if (!instance.variant.empty()) json.member("variant", instance.variant);
  write_list_of(json, "features", instance.features);
  json.end_object();
}

void write_instance(JsonWriter& json, const ListInstance& instance, bool with_annotations) {
  json.begin_object().member("mediaType", instance.media_type).member("digest", instance.digest.text());
  json.member("size", instance.size_bytes);
  if (with_annotations) write_annotations(json, instance.annotations);
  write_platform(json, instance);
  if (with_annotations && !instance.artifact_type.empty()) json.member("artifactType", instance.artifact_type);
  json.end_object();
}

}  // namespace

void write_annotations(JsonWriter& json, const AnnotationMap& annotations) {
  if (!annotations.empty()) json.member("annotations", annotations);
}

ManifestList parse_manifest_list(std::string_view index_bytes, const std::string& what) {
  const auto parsed = oci::parse_manifest(index_bytes, "", what);
  if (!std::holds_alternative<oci::Index>(parsed))
    throw base::make_error(base::ErrorKind::corrupt, what, " is a single image, not a list");
  const JsonAt json = JsonAt::parse(index_bytes, what, {.max_bytes = oci::max_manifest_bytes});
  ManifestList list;
  list.artifact_type = json.string_or("artifactType", "");
  list.annotations = annotations_of(json);
  for (const JsonAt& entry : json.at("manifests").array()) list.instances.push_back(parse_instance(entry));
  if (const auto subject = json.find("subject"))
    list.subject =
        ListSubject{subject->at("mediaType").string(), subject->at("digest").digest(), subject->unsigned_or("size", 0)};
  return list;
}

std::string render_index(const ManifestList& list) {
  JsonWriter json;
  json.begin_object().member("schemaVersion", 2).member("mediaType", oci::media_type_oci_index);
  if (!list.artifact_type.empty()) json.member("artifactType", list.artifact_type);
  json.key("manifests").begin_array();
  for (const ListInstance& instance : list.instances) write_instance(json, instance, true);
  json.end_array();
  if (list.subject) {
    json.key("subject").begin_object().member("mediaType", list.subject->media_type);
    json.member("digest", list.subject->digest.text()).member("size", list.subject->size_bytes).end_object();
  }
  write_annotations(json, list.annotations);
  json.end_object();
  return json.take();
}

std::string render_docker_list(const ManifestList& list) {
  JsonWriter json;
  json.begin_object().member("schemaVersion", 2).member("mediaType", oci::media_type_docker_list);
  json.key("manifests").begin_array();
  for (const ListInstance& instance : list.instances) {
    if (instance.media_type != oci::media_type_docker_manifest)
      throw base::make_error(base::ErrorKind::unsupported, "the instance ", instance.digest,
                             " is in OCI's format, which a list of Docker's cannot name")
          .with_hint("leave --format out, or add images in Docker's format: engine push --format v2s2");
    write_instance(json, instance, false);
  }
  json.end_array().end_object();
  return json.take();
}

std::string render_list_config(const ManifestList& list) {
  JsonWriter json;
  json.begin_object().member("created", list.created).member("architecture", "").member("os", "");
  json.key("config").begin_object().end_object();
  json.key("rootfs").begin_object().member("type", "layers").key("diff_ids").begin_array().end_array().end_object();
  json.key("engine.sources").begin_object();
  for (const ListInstance& instance : list.instances)
    if (!instance.source.empty()) json.member(instance.digest.text(), instance.source);
  json.end_object().end_object();
  return json.take();
}

void read_list_config(std::string_view bytes, ManifestList& list) {
  const JsonAt json = JsonAt::parse(bytes, "config of the list", {.max_bytes = oci::max_config_bytes});
  list.created = json.string_or("created", "");
  const auto sources = json.find("engine.sources");
  if (!sources) return;
  for (const auto& [digest, source] : sources->string_map())
    if (ListInstance* instance = find_instance(list, base::Digest::parse(digest))) instance->source = source;
}

ListInstance* find_instance(ManifestList& list, const base::Digest& digest) {
  const auto found = std::find_if(list.instances.begin(), list.instances.end(),
                                  [&](const ListInstance& instance) { return instance.digest == digest; });
  return found == list.instances.end() ? nullptr : &*found;
}

void put_instance(ManifestList& list, ListInstance instance) {
  if (ListInstance* const known = find_instance(list, instance.digest)) {
    *known = std::move(instance);
    return;
  }
  if (list.instances.size() >= max_list_instances)
    throw base::make_error(base::ErrorKind::invalid_argument, "a list has room for ", max_list_instances, " instances");
  list.instances.push_back(std::move(instance));
}

void set_annotation(AnnotationMap& annotations, std::string_view word) {
  const auto fields = base::split_once(word, '=');
  if (!fields || fields->first.empty())
    throw base::make_error(base::ErrorKind::invalid_argument, "annotation ", base::quoted(word), " is not KEY=VALUE");
  for (auto& [key, value] : annotations) {
    if (key != fields->first) continue;
    value = fields->second;
    return;
  }
  annotations.emplace_back(fields->first, fields->second);
}

}  // namespace engine
