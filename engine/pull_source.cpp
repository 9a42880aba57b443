#include "engine/pull_source.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/oci/platform.hpp"
#include "base/stream.hpp"
#include "base/text.hpp"
#include "engine/duration.hpp"

namespace engine {
namespace {

constexpr unsigned max_nested_indexes = 4;
constexpr std::string_view config_types[] = {"application/vnd.oci.image.config.v1+json",
                                             "application/vnd.docker.container.image.v1+json",
                                             "application/octet-stream"};  // Docker before 1.10

std::string offered_platforms(const oci::Index& index) {
  std::vector<std::string> names;
  for (const oci::Descriptor& manifest : index.manifests)
    if (manifest.platform && manifest.platform->os != "unknown") names.push_back(manifest.platform->to_string());
  return base::join(names, ", ");
}

const oci::Descriptor& choose_manifest(const oci::Index& index, const oci::Platform& wanted) {
  std::vector<std::optional<oci::Platform>> offered;
  for (const oci::Descriptor& manifest : index.manifests) offered.push_back(manifest.platform);
  const std::optional<std::size_t> chosen = oci::choose_platform(offered, wanted);
  if (chosen) return index.manifests[*chosen];
  const std::string others = offered_platforms(index);
  base::Error error = base::make_error(base::ErrorKind::not_found, "no image for the platform ", wanted.to_string());
  if (others.empty()) throw error;
  throw std::move(error).with_hint(base::concat("there is one for: ", others));
}

std::string fetch_config(registry::ImageSource& source, const oci::Descriptor& config) {
  if (std::find(std::begin(config_types), std::end(config_types), config.media_type) == std::end(config_types))
    throw base::make_error(base::ErrorKind::unsupported, "this is an artifact (", base::quoted(config.media_type),
                           "), not a container image");
  if (config.size_bytes > oci::max_config_bytes)
    throw base::make_error(base::ErrorKind::corrupt, "the config has ", config.size_bytes, " bytes, which is too long");
  base::StringSink sink(oci::max_config_bytes);
  source.blob(config, sink, 0);
  std::string bytes = sink.take();
  if (bytes.size() != config.size_bytes || base::sha256(bytes) != config.digest)
    throw base::make_error(base::ErrorKind::corrupt, "the config is not what its digest ", config.digest, " says");
  return bytes;
}

}  // namespace

registry::RegistryOptions registry_options(const Engine& engine, const PullOptions& options) {
  registry::RegistryOptions result;
  result.tls_verify = options.tls_verify;
  result.cert_dir = options.cert_dir;
  result.auth_file = options.auth_file;
  result.credentials = options.creds;
  result.registries_conf = engine.config.registries_conf;
  result.auth_files = engine.config.auth_files;
  result.certs_dirs = engine.config.certs_dirs;
  result.retries = options.retries.value_or(engine.config.retries);
  result.network = engine.config.network;
  result.spool = engine.config.spool;
  if (options.retry_delay.empty()) return result;
  result.network.retry_delay = parse_duration(options.retry_delay);
  if (!result.network.retry_delay)
    throw base::make_error(base::ErrorKind::invalid_argument, "--retry-delay ", base::quoted(options.retry_delay),
                           " is not a duration")
        .with_hint("write it as in 500ms, 2s or 1m30s");
  return result;
}

ChosenManifest choose_for_platform(registry::ImageSource& source, registry::ManifestBytes root,
                                   const std::string& platform, const std::string& shown_name) {
  const oci::Platform wanted = platform.empty() ? oci::host_platform() : oci::parse_platform(platform);
  const std::string what = base::concat("manifest of ", shown_name);
  std::optional<registry::ManifestBytes> index;
  registry::ManifestBytes current = std::move(root);
  auto parsed = oci::parse_manifest(current.bytes, current.media_type, what);
  for (unsigned depth = 0; const oci::Index* list = std::get_if<oci::Index>(&parsed); ++depth) {
    if (depth == max_nested_indexes) throw base::make_error(base::ErrorKind::corrupt, "indexes are nested too deep");
    registry::ManifestBytes chosen = source.manifest(choose_manifest(*list, wanted));
    if (!index) index = std::move(current);
    current = std::move(chosen);
    parsed = oci::parse_manifest(current.bytes, current.media_type, what);
  }
  return {std::move(index), std::move(current), std::get<oci::Manifest>(std::move(parsed))};
}

ImageParts fetch_parts(registry::ImageSource& source, registry::ManifestBytes root, const std::string& platform,
                       const std::string& shown_name) {
  auto [index, current, manifest] = choose_for_platform(source, std::move(root), platform, shown_name);
  std::string config_bytes = fetch_config(source, manifest.config);
  oci::ImageConfig config = oci::parse_image_config(config_bytes, base::concat("config of ", shown_name));
  if (config.diff_ids.size() != manifest.layers.size())
    throw base::make_error(base::ErrorKind::corrupt, "the manifest has ", manifest.layers.size(),
                           " layers, but the config ", config.diff_ids.size());
  if (manifest.layers.size() > oci::max_layers)
    throw base::make_error(base::ErrorKind::unsupported, "the image has ", manifest.layers.size(), " layers; at most ",
                           oci::max_layers, " can be mounted");
  std::vector<base::Digest> chain_ids = oci::chain_ids(config.diff_ids);
  return {std::move(index),        std::move(current), std::move(manifest),
          std::move(config_bytes), std::move(config),  std::move(chain_ids)};
}

}  // namespace engine
