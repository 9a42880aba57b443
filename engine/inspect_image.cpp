#include "engine/inspect_image.hpp"

#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "base/oci/manifest.hpp"
#include "engine/driver.hpp"
#include "engine/images.hpp"
#include "engine/verbs.hpp"
#include "storage/blobs.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"
#include "storage/overlay.hpp"

namespace engine {
namespace {

using base::JsonAt;
using base::JsonWriter;

constexpr const char* no_time = "0001-01-01T00:00:00Z";  // Go's zero time, which podman prints

JsonAt parse(const std::string& bytes, std::string what, std::size_t max_bytes) {
  return JsonAt::parse(bytes, std::move(what), {.max_bytes = max_bytes});
}

/// What a container of it would get; podman leaves out what is empty.
void write_config(JsonWriter& json, const std::optional<JsonAt>& config) {
  json.key("Config").begin_object();
  for (const char* name : {"User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels",
                           "StopSignal", "Healthcheck", "Shell", "OnBuild"}) {
    const std::optional<JsonAt> value = config ? config->find(name) : std::nullopt;
    if (!value || (value->is_string() && value->string().empty())) continue;
    json.key(name).raw(value->dump());
  }
  json.end_object();
}

void write_layers(JsonWriter& json, const oci::ImageConfig& config) {
  json.key("RootFS").begin_object().member("Type", "layers").key("Layers").begin_array();
  for (const base::Digest& diff_id : config.diff_ids) json.value(diff_id.text());
  json.end_array().end_object();
}

void write_graph_driver(JsonWriter& json, const InspectedImage& inspected) {
  json.key("GraphDriver").begin_object().member("Name", inspected.driver).key("Data").begin_object();
  if (!inspected.layer_paths.empty()) {
    // Uppermost first, as in overlay's own option.
    const std::vector<std::string> lowers{inspected.layer_paths.rbegin() + 1, inspected.layer_paths.rend()};
    if (!lowers.empty()) json.member("LowerDir", base::join(lowers, ":"));
    json.member("UpperDir", inspected.layer_paths.back());
  }
  json.end_object().end_object();
}

void write_history(JsonWriter& json, const oci::ImageConfig& config) {
  json.key("History").begin_array();
  for (const oci::History& entry : config.history) {
    json.begin_object().member("created", entry.created.empty() ? no_time : entry.created);
    if (!entry.created_by.empty()) json.member("created_by", entry.created_by);
    if (!entry.author.empty()) json.member("author", entry.author);
    if (!entry.comment.empty()) json.member("comment", entry.comment);
    if (entry.empty_layer) json.member("empty_layer", true);
    json.end_object();
  }
  json.end_array();
}

void write_identity(JsonWriter& json, const storage::NamedImage& image, const oci::ImageConfig& config,
                    const JsonAt& raw) {
  json.member("Id", image.record.config.hex()).member("Digest", image.record.manifest.text());
  json.member("RepoTags", image.names).member("RepoDigests", repo_digests_of(image));
  // Docker's configurations have a comment; of others podman shows that of the first step, which `import` makes.
  const std::string first_comment = config.history.empty() ? "" : config.history.front().comment;
  json.member("Parent", "").member("Comment", raw.string_or("comment", first_comment));
  json.member("Created", config.created.empty() ? no_time : config.created);
}

void write_platform(JsonWriter& json, const storage::ImageRecord& record, const oci::ImageConfig& config,
                    const JsonAt& raw) {
  json.member("Version", raw.string_or("docker_version", "")).member("Author", config.author);
  json.member("Architecture", config.platform.architecture);
  if (!config.platform.variant.empty()) json.member("Variant", config.platform.variant);
  json.member("Os", config.platform.os).member("Size", record.size_bytes).member("VirtualSize", record.size_bytes);
}

void write_manifest(JsonWriter& json, const std::string& manifest_json) {
  const JsonAt manifest = parse(manifest_json, "image manifest", oci::max_manifest_bytes);
  const std::optional<JsonAt> annotations = manifest.find("annotations");
  json.key("Annotations").raw(annotations ? annotations->dump() : "{}");
  json.member("ManifestType", manifest.string_or("mediaType", oci::media_type_oci_manifest));
}

}  // namespace

std::string inspect_image_text(const InspectedImage& inspected) {
  const oci::ImageConfig config = oci::parse_image_config(inspected.config_json, "image config");
  const JsonAt raw = parse(inspected.config_json, "image config", oci::max_config_bytes);
  const std::optional<JsonAt> raw_config = raw.find("config");
  JsonWriter json;
  json.begin_object();
  write_identity(json, inspected.image, config, raw);
  write_config(json, raw_config);
  write_platform(json, inspected.image.record, config, raw);
  write_graph_driver(json, inspected);
  write_layers(json, config);
  json.key("Labels");
  config.labels.empty() ? json.null() : json.value(config.labels);
  write_manifest(json, inspected.manifest_json);
  json.member("User", config.user);
  write_history(json, config);
  json.member("NamesHistory", inspected.image.names);
  if (const auto healthcheck = raw_config ? raw_config->find("Healthcheck") : std::nullopt) {
    json.key("HealthCheck").raw(healthcheck->dump());
  }
  json.end_object();
  return json.take();
}

std::optional<std::string> inspect_image(Engine& engine, const std::string& name) {
  const storage::Store& store = engine.store();
  std::optional<storage::NamedImage> image = storage::find_image(store, name);
  if (!image) return std::nullopt;
  const storage::ImageRecord& record = image->record;
  InspectedImage inspected{.image = *image,
                           .config_json = storage::read_blob(store, record.config, oci::max_config_bytes),
                           .manifest_json = storage::read_blob(store, record.manifest, oci::max_manifest_bytes),
                           .driver = std::string{storage::name_of(choose_driver(engine))}};
  for (const base::Digest& chain : record.chain_ids) {
    inspected.layer_paths.push_back(storage::layer_path(store, chain, engine.variant()));
  }
  return inspect_image_text(inspected);
}

}  // namespace engine
