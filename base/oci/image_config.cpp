#include "base/oci/image_config.hpp"

#include "base/json.hpp"
#include "base/oci/manifest.hpp"

namespace oci {
namespace {

constexpr std::size_t max_history_entries = 10'000;

/// An array of strings, or one string that old builders wrote instead.
std::vector<std::string> command_of(const base::JsonAt& config, std::string_view key) {
  const auto member = config.find(key);
  if (!member) return {};
  if (member->is_string()) return {member->string()};
  return member->strings();
}

/// The keys of an object whose values mean nothing: {"/data": {}}.
std::vector<std::string> keys_of(const base::JsonAt& config, std::string_view key) {
  std::vector<std::string> keys;
  if (const auto member = config.find(key))
    for (auto& [name, value] : member->members()) keys.push_back(name);
  return keys;
}

void read_run_fields(const base::JsonAt& config, ImageConfig& result) {
  result.user = config.string_or("User", "");
  result.env = config.strings_or_empty("Env");
  result.entrypoint = command_of(config, "Entrypoint");
  result.cmd = command_of(config, "Cmd");
  result.working_dir = config.string_or("WorkingDir", "");
  result.volumes = keys_of(config, "Volumes");
  result.exposed_ports = keys_of(config, "ExposedPorts");
  if (const auto labels = config.find("Labels")) result.labels = labels->string_map();
  result.stop_signal = config.string_or("StopSignal", "");
  if (const auto check = config.find("Healthcheck"); check && check->is_object()) result.healthcheck = check->dump();
}

std::vector<base::Digest> read_diff_ids(const base::JsonAt& rootfs) {
  if (const auto type = rootfs.find("type"); type && type->string() != "layers") throw type->error("is not \"layers\"");
  std::vector<base::Digest> diff_ids;
  // An image without layers has null or nothing here.
  if (const auto list = rootfs.find("diff_ids"))
    for (const base::JsonAt& entry : list->array()) diff_ids.push_back(entry.digest());
  if (diff_ids.size() > max_layers) throw rootfs.error(base::concat("has more than ", max_layers, " layers"));
  return diff_ids;
}

std::vector<History> read_history(const base::JsonAt& json) {
  std::vector<History> history;
  const auto list = json.find("history");
  if (!list) return history;
  for (const base::JsonAt& entry : list->array()) {
    if (history.size() == max_history_entries)
      throw list->error(base::concat("has more than ", max_history_entries, " entries"));
    history.push_back({.created = entry.string_or("created", ""),
                       .created_by = entry.string_or("created_by", ""),
                       .comment = entry.string_or("comment", ""),
                       .author = entry.string_or("author", ""),
                       .empty_layer = entry.boolean_or("empty_layer", false)});
  }
  return history;
}

}  // namespace

ImageConfig parse_image_config(std::string_view bytes, std::string what) {
  const base::JsonAt json = base::JsonAt::parse(bytes, std::move(what), {.max_bytes = max_config_bytes});
  if (!json.is_object()) throw json.error("is not an object");
  ImageConfig result;
  result.platform = platform_from_json(json);
  result.created = json.string_or("created", "");
  result.author = json.string_or("author", "");
  if (const auto config = json.find("config")) read_run_fields(*config, result);
  result.diff_ids = read_diff_ids(json.at("rootfs"));
  result.history = read_history(json);
  return result;
}

std::vector<base::Digest> chain_ids(const std::vector<base::Digest>& diff_ids) {
  std::vector<base::Digest> chain;
  for (const base::Digest& diff_id : diff_ids)
    chain.push_back(chain.empty() ? diff_id : base::sha256(base::concat(chain.back(), " ", diff_id)));
  return chain;
}

}  // namespace oci
