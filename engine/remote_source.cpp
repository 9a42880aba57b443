#include "engine/remote_source.hpp"

#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/manifest_list_source.hpp"
#include "engine/pull_source.hpp"
#include "engine/repair_source.hpp"
#include "engine/store_source.hpp"

namespace engine {
namespace {

OpenedImage open_stored_list(Engine& engine, StoredList list, const registry::RegistryOptions& options) {
  const std::string name = list.name.empty() ? std::string{list.record.config.hex()} : list.name;
  auto source = std::make_unique<ListSource>(engine, std::move(list), options);
  registry::ManifestBytes root = source->root_manifest();
  return {name, "containers-storage", std::move(source), std::move(root)};
}

OpenedImage open_stored_image(Engine& engine, const std::string& typed, const registry::RegistryOptions& options,
                              bool whole_index) {
  if (auto list = find_manifest_list(engine.store(), typed)) return open_stored_list(engine, std::move(*list), options);
  storage::ResolvedImage image = find_image_to_send(engine.store(), typed);
  const std::string name = image.name.empty() ? std::string{image.record.config.hex()} : image.name;
  const base::Digest manifest = image.record.manifest;
  auto source = std::make_unique<StoreSource>(engine.store(), std::move(image.record), std::move(image.name),
                                              whole_index ? StoreRoot::whole_index : StoreRoot::manifest);
  source->fall_back_to(open_origin(engine.store(), manifest, options));
  registry::ManifestBytes root = source->root_manifest();
  return {name, "containers-storage", std::move(source), std::move(root)};
}

OpenedImage open_at(const registry::SourceName& name, const registry::RegistryOptions& options) {
  std::unique_ptr<registry::ImageSource> source = registry::open_source(name, options);
  registry::ManifestBytes root = source->root_manifest();
  std::string shown = name.transport == "docker" ? name.rest : base::concat(name.transport, ":", name.rest);
  return {std::move(shown), name.transport, std::move(source), std::move(root)};
}

}  // namespace

registry::RegistryOptions registry_options_of(const Engine& engine, const RemoteOptions& options) {
  PullOptions pull;
  pull.tls_verify = options.tls_verify;
  pull.auth_file = options.auth_file;
  pull.creds = options.creds;
  pull.cert_dir = options.cert_dir;
  pull.retries = options.retries;
  return registry_options(engine, pull);
}

std::string media_type_of(const registry::ManifestBytes& manifest) {
  const auto parsed = oci::parse_manifest(manifest.bytes, manifest.media_type, "manifest");
  return std::visit([](const auto& view) { return view.media_type; }, parsed);
}

std::optional<std::string> name_in_store(std::string_view typed) {
  for (const std::string_view prefix : {"containers-storage:", "store:"})
    if (typed.substr(0, prefix.size()) == prefix) return std::string{typed.substr(prefix.size())};
  return std::nullopt;
}

bool may_be_elsewhere(const base::Error& error) {
  return error.kind() == base::ErrorKind::not_found || error.kind() == base::ErrorKind::network ||
         error.kind() == base::ErrorKind::permission;
}

OpenedImage open_image(Engine& engine, const std::string& typed, const registry::RegistryOptions& options,
                       bool whole_index) {
  if (const auto stored = name_in_store(typed)) return open_stored_image(engine, *stored, options, whole_index);
  const registry::SourceName name = registry::parse_source_name(typed);
  if (name.transport != "docker") return open_at(name, options);
  return with_first_candidate(name.rest, options, [&](const std::string& candidate) {
    return open_at({"docker", candidate}, options);
  });
}

}  // namespace engine
