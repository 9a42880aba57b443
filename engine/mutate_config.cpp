#include "engine/mutate_config.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "base/oci/manifest.hpp"
#include "engine/manifest_list.hpp"

namespace engine {
namespace {

using base::JsonAt;
using base::JsonWriter;

/// Everything but the members that are written anew.
void keep_members(JsonWriter& json, const std::optional<JsonAt>& object, const std::vector<std::string_view>& changed) {
  if (!object || !object->is_object()) return;
  for (const auto& [key, value] : object->members())
    if (std::find(changed.begin(), changed.end(), key) == changed.end()) json.key(key).raw(value.dump());
}

std::vector<std::string> merged_env(std::vector<std::string> env, const std::vector<std::string>& changes) {
  for (const std::string& change : changes) {
    const auto fields = base::split_once(change, '=');
    if (!fields || fields->first.empty())
      throw base::make_error(base::ErrorKind::invalid_argument, "--env ", base::quoted(change), " is not NAME=VALUE");
    const std::string prefix = base::concat(fields->first, "=");
    const auto known =
        std::find_if(env.begin(), env.end(), [&](const std::string& entry) { return entry.starts_with(prefix); });
    if (known == env.end())
      env.push_back(change);
    else
      *known = change;
  }
  return env;
}

void write_ports(JsonWriter& json, const std::optional<JsonAt>& old, const std::vector<std::string>& added) {
  std::vector<std::string> ports;
  if (const auto known = old ? old->find("ExposedPorts") : std::nullopt)
    for (const auto& [port, nothing] : known->members()) ports.push_back(port);
  for (const std::string& port : added) {
    std::string full = port.find('/') == std::string::npos ? base::concat(port, "/tcp") : port;
    if (std::find(ports.begin(), ports.end(), full) == ports.end()) ports.push_back(std::move(full));
  }
  json.key("ExposedPorts").begin_object();
  for (const std::string& port : ports) json.key(port).begin_object().end_object();
  json.end_object();
}

/// The object "config" of the config.
void write_inner(JsonWriter& json, const std::optional<JsonAt>& old, const ConfigChanges& changes) {
  std::vector<std::string_view> changed;
  if (changes.entrypoint) changed.insert(changed.end(), {"Entrypoint", "Cmd"});
  if (changes.command && !changes.entrypoint) changed.emplace_back("Cmd");
  if (!changes.env.empty()) changed.emplace_back("Env");
  if (!changes.labels.empty()) changed.emplace_back("Labels");
  if (!changes.ports.empty()) changed.emplace_back("ExposedPorts");
  if (changes.user) changed.emplace_back("User");
  if (changes.work_dir) changed.emplace_back("WorkingDir");
  json.key("config").begin_object();
  keep_members(json, old, changed);
  if (changes.entrypoint) json.member("Entrypoint", *changes.entrypoint);
  if (changes.command) json.member("Cmd", *changes.command);
  if (!changes.env.empty())
    json.member("Env", merged_env(old ? old->strings_or_empty("Env") : std::vector<std::string>{}, changes.env));
  if (!changes.labels.empty()) {
    const auto known = old ? old->find("Labels") : std::nullopt;
    AnnotationMap labels = known ? known->string_map() : AnnotationMap{};
    for (const std::string& label : changes.labels) set_annotation(labels, label);
    json.member("Labels", labels);
  }
  if (!changes.ports.empty()) write_ports(json, old, changes.ports);
  if (changes.user) json.member("User", *changes.user);
  if (changes.work_dir) json.member("WorkingDir", *changes.work_dir);
  json.end_object();
}

void write_rootfs(JsonWriter& json, const JsonAt& config, const std::vector<AddedLayer>& layers) {
  json.key("rootfs").begin_object().member("type", "layers").key("diff_ids").begin_array();
  for (const std::string& diff_id : config.at("rootfs").strings_or_empty("diff_ids")) json.value(diff_id);
  for (const AddedLayer& layer : layers) json.value(layer.diff_id.text());
  json.end_array().end_object();
}

void write_history(JsonWriter& json, const JsonAt& config, const std::vector<AddedLayer>& layers,
                   const std::string& created) {
  json.key("history").begin_array();
  if (const auto history = config.find("history"))
    for (const JsonAt& entry : history->array()) json.raw(entry.dump());
  for (const AddedLayer& layer : layers) {
    json.begin_object().member("created", created);
    json.member("created_by", base::concat("engine append ", layer.descriptor.digest)).end_object();
  }
  json.end_array();
}

void write_descriptor(JsonWriter& json, const oci::Descriptor& descriptor) {
  json.begin_object().member("mediaType", descriptor.media_type).member("digest", descriptor.digest.text());
  json.member("size", descriptor.size_bytes).end_object();
}

/// Docker's manifests name layers in words of their own.
std::string layer_type(const std::string& manifest_type, const oci::Descriptor& layer) {
  if (manifest_type != oci::media_type_docker_manifest) return layer.media_type;
  if (layer.media_type.ends_with("+zstd"))
    throw base::Error(base::ErrorKind::unsupported, "an image in Docker's format has no layers compressed with zstd")
        .with_hint("compress the tar with gzip, or convert the image: engine copy --format oci");
  return layer.media_type.ends_with("+gzip") ? "application/vnd.docker.image.rootfs.diff.tar.gzip"
                                             : "application/vnd.docker.image.rootfs.diff.tar";
}

}  // namespace

std::string change_config(std::string_view config, const ConfigChanges& changes, const std::vector<AddedLayer>& layers,
                          const std::string& created) {
  const JsonAt old = JsonAt::parse(config, "image config", {.max_bytes = oci::max_config_bytes});
  std::vector<std::string_view> changed{"config"};
  if (!layers.empty()) changed.insert(changed.end(), {"rootfs", "history"});
  if (changes.platform) changed.insert(changed.end(), {"os", "architecture", "variant"});
  JsonWriter json;
  json.begin_object();
  keep_members(json, old, changed);
  if (changes.platform) {
    json.member("architecture", changes.platform->architecture).member("os", changes.platform->os);
    if (!changes.platform->variant.empty()) json.member("variant", changes.platform->variant);
  }
  write_inner(json, old.find("config"), changes);
  if (!layers.empty()) {
    write_rootfs(json, old, layers);
    write_history(json, old, layers, created);
  }
  json.end_object();
  return json.take();
}

std::string change_manifest(std::string_view manifest, const oci::Descriptor& config,
                            const std::vector<AddedLayer>& layers, const std::vector<std::string>& annotations) {
  const JsonAt old = JsonAt::parse(manifest, "manifest", {.max_bytes = oci::max_manifest_bytes});
  const std::string type = old.string_or("mediaType", oci::media_type_oci_manifest);
  JsonWriter json;
  json.begin_object();
  std::vector<std::string_view> changed{"config", "layers"};
  if (!annotations.empty()) changed.emplace_back("annotations");
  keep_members(json, old, changed);
  json.key("config");
  write_descriptor(json, config);
  json.key("layers").begin_array();
  for (const JsonAt& layer : old.at("layers").array()) json.raw(layer.dump());
  for (const AddedLayer& layer : layers) {
    oci::Descriptor named = layer.descriptor;
    named.media_type = layer_type(type, layer.descriptor);
    write_descriptor(json, named);
  }
  json.end_array();
  if (!annotations.empty()) {
    const auto known = old.find("annotations");
    AnnotationMap map = known ? known->string_map() : AnnotationMap{};
    for (const std::string& annotation : annotations) set_annotation(map, annotation);
    json.member("annotations", map);
  }
  json.end_object();
  return json.take();
}

}  // namespace engine
