#include <algorithm>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/oci/reference.hpp"
#include "engine/events.hpp"
#include "engine/id_variants.hpp"
#include "engine/image_policy.hpp"
#include "engine/image_settings.hpp"
#include "engine/keep_image.hpp"
#include "engine/manifest_list_store.hpp"
#include "engine/pull_layers.hpp"
#include "engine/pull_rehearsal.hpp"
#include "engine/pull_source.hpp"
#include "engine/remote.hpp"
#include "engine/repair_source.hpp"
#include "engine/stored_first.hpp"
#include "engine/verbs.hpp"
#include "registry/open_source.hpp"
#include "storage/images.hpp"
#include "storage/layers.hpp"
#include "storage/staging.hpp"

// pull: from a name to an image in the store. The way of the bytes is in pull_source.cpp (manifests), pull_layers.cpp
// (locks, publication), layer_transfer.cpp (threads, pipes) and unpack_child.cpp (the other end of the pipes).

namespace engine {
namespace {

enum class PullPolicy { always, missing, never, newer };

PullPolicy parse_policy(std::string_view text) {
  if (text == "always" || text == "true") return PullPolicy::always;
  if (text == "missing" || text == "false") return PullPolicy::missing;
  if (text == "never") return PullPolicy::never;
  if (text == "newer" || text == "ifnewer") return PullPolicy::newer;
  throw base::make_error(base::ErrorKind::invalid_argument, "pull policy ", base::quoted(text),
                         " is not one of always, missing, newer, never");
}

std::string id_of(const storage::ImageRecord& record) {
  return std::string{record.config.hex()};
}

bool is_complete(Engine& engine, const storage::ImageRecord& record) {
  return std::all_of(record.chain_ids.begin(), record.chain_ids.end(), [&](const base::Digest& chain) {
    return storage::has_layer(engine.store(), chain, engine.variant());
  });
}

bool is_for_platform(Engine& engine, const storage::ImageRecord& record, const std::string& platform) {
  if (platform.empty()) return true;
  const oci::Platform have = storage::read_image_config(engine.store(), record).platform;
  return oci::choose_platform({have}, oci::parse_platform(platform)).has_value();
}

/// What the store has under that name, if it can be run as it is.
std::optional<storage::ImageRecord> find_local(Engine& engine, const std::string& name, const std::string& platform) {
  std::optional<storage::NamedImage> image = storage::find_image(engine.store(), name);
  if (!image || !is_complete(engine, image->record) || !is_for_platform(engine, image->record, platform)) return {};
  return std::move(image->record);
}

/// Tag or digest under which the image is found again; empty for one that only its id names.
std::string stored_name(const registry::SourceName& source, const registry::ImageSource& opened) {
  if (source.transport == "docker") {
    const oci::Reference reference = oci::Reference::parse(source.rest);
    return reference.digest() ? base::concat(reference.repository(), "@", *reference.digest()) : reference.to_string();
  }
  const std::string suggested = opened.suggested_name();
  if (suggested.empty()) return {};
  // As with podman, a name without a registry is a local one.
  if (oci::Reference::is_qualified(suggested)) return oci::Reference::parse(suggested).to_string();
  return oci::Reference::parse(base::concat("localhost/", suggested)).to_string();
}

void check_requested_digest(const registry::SourceName& source, const registry::ManifestBytes& root) {
  if (source.transport != "docker") return;
  const oci::Reference reference = oci::Reference::parse(source.rest);
  if (reference.digest() && *reference.digest() != root.digest)
    throw base::make_error(base::ErrorKind::corrupt, "the registry sent a manifest with the digest ", root.digest);
}

/// @param wanted  Which manifest of what is there now; nothing: what the name means.
/// @return  The id, or the lines of a rehearsal.
std::string pull_from(Engine& engine, const registry::SourceName& name, const PullOptions& options,
                      const registry::RegistryOptions& registry, const oci::Descriptor* wanted = nullptr) {
  const std::string shown = base::concat(name.transport == "docker" ? "" : name.transport + ":", name.rest);
  engine.progress.note(base::concat("Trying to pull ", shown, "..."));
  return base::with_context(
      [&] {
        const std::unique_ptr<registry::ImageSource> opened = registry::open_source(name, registry);
        StoredFirst source(engine.store(), *opened);
        registry::ManifestBytes root = source.root_manifest();
        check_requested_digest(name, root);
        if (wanted != nullptr && root.digest != wanted->digest) root = source.manifest(*wanted);
        check_policy(engine, name, registry, source, root, {.platform = options.platform});
        if (options.dry_run)
          return base::join(rehearse_pull(engine, source, std::move(root), options.platform, shown), "\n");
        const std::string stored = stored_name(name, source);
        return keep_image(engine, source, std::move(root),
                          stored.empty() ? std::vector<std::string>{} : std::vector{stored}, options.platform);
      },
      "pulling ", base::quoted(shown));
}

/// A network failure is worth trying the next name, or the local image; a corrupt or unsuitable image is not.
bool may_be_elsewhere(const base::Error& error) {
  return error.kind() == base::ErrorKind::not_found || error.kind() == base::ErrorKind::network ||
         error.kind() == base::ErrorKind::permission;
}

std::string pull_first_of(Engine& engine, const std::vector<std::string>& candidates, const PullOptions& options,
                          const registry::RegistryOptions& registry) {
  for (std::size_t i = 0; i + 1 < candidates.size(); ++i) {
    try {
      return pull_from(engine, {"docker", candidates[i]}, options, registry);
    } catch (const base::Error& error) {
      if (!may_be_elsewhere(error)) throw;
      base::log(base::LogLevel::warn, error.message());
    }
  }
  if (candidates.empty())
    throw base::make_error(base::ErrorKind::not_found, "no registry is configured to look for short names");
  return pull_from(engine, {"docker", candidates.back()}, options, registry);
}

/// What the store, or a shared one, has under that name, but unpacked for other ids only, or with layers missing.
std::optional<storage::NamedImage> find_incomplete(Engine& engine, const std::string& name,
                                                   const std::string& platform) {
  std::optional<storage::NamedImage> image = storage::find_image(engine.store(), name);
  if (!image || is_complete(engine, image->record) || !is_for_platform(engine, image->record, platform)) return {};
  return image;
}

std::vector<std::string> repositories_of(const storage::NamedImage& image) {
  std::vector<std::string> repositories;
  for (const std::string& name : image.names) repositories.push_back(oci::Reference::parse(name).repository());
  return repositories;
}

/// An image of a shared store becomes ours with the layers that are made for it: else nothing would keep these.
void adopt(Engine& engine, const storage::NamedImage& image) {
  const storage::GcHold hold = engine.store().hold_garbage();
  storage::adopt_image(engine.store(), hold, image.record);
  for (const std::string& name : image.names) storage::set_ref(engine.store(), hold, name, image.record.manifest);
}

/// Unpacks for our ids what is missing: from kept blobs, also of shared stores, else from where the image came from.
std::string complete(Engine& engine, const storage::NamedImage& image, registry::RegistryOptions registry,
                     bool may_fetch) {
  engine.progress.note(base::concat("Unpacking ", image.names.empty() ? id_of(image.record) : image.names.front(),
                                    " for our ids: ", image.read_only ? "the shared store has" : "the store has",
                                    " its layers for others"));
  RepairSource source(engine.store(), image.record.manifest,
                      may_fetch ? repositories_of(image) : std::vector<std::string>{}, std::move(registry));
  const ImageParts parts = fetch_parts(source, source.root_manifest(), "", image.record.manifest.text());
  const storage::Staging staging = pull_layers(engine, source, parts, parts_to_keep(parts));
  if (image.read_only) adopt(engine, image);
  return id_of(image.record);
}

/// The image that a manifest list of the store has for us: the store's, else it is fetched from where it was added.
std::string pull_instance(Engine& engine, const StoredList& list, const PullOptions& options,
                          const registry::RegistryOptions& registry) {
  const ListInstance instance = choose_instance(list.list, options.platform);
  const auto stored = storage::read_image(engine.store(), instance.digest);
  if (stored && is_complete(engine, *stored)) return id_of(*stored);
  if (parse_policy(options.policy) == PullPolicy::never || instance.source.empty())
    throw base::make_error(base::ErrorKind::not_found, "the image ", instance.digest, " of the list ",
                           base::quoted(list.name), " is not in the store");
  registry::SourceName name = registry::parse_source_name(instance.source);
  if (name.transport == "docker")
    name.rest = base::concat(oci::Reference::parse(name.rest).repository(), "@", instance.digest);
  // In a folder there may be another image by now.
  const oci::Descriptor wanted{.media_type = instance.media_type,
                               .digest = instance.digest,
                               .size_bytes = instance.size_bytes,
                               .platform = {},
                               .annotations = {}};
  return pull_from(engine, name, options, registry, &wanted);
}

std::string pull_docker(Engine& engine, const std::string& typed, const PullOptions& options,
                        const registry::RegistryOptions& registry) {
  const PullPolicy policy = parse_policy(options.policy);
  std::optional<storage::ImageRecord> local;
  if (policy == PullPolicy::missing || policy == PullPolicy::never)
    if (const auto list = find_manifest_list(engine.store(), typed))
      return pull_instance(engine, *list, options, registry);
  if (policy != PullPolicy::always) local = find_local(engine, typed, options.platform);
  if (local && policy != PullPolicy::newer) return id_of(*local);
  if (policy == PullPolicy::missing || policy == PullPolicy::never) {
    if (const auto image = find_incomplete(engine, typed, options.platform))
      return complete(engine, *image, registry, policy == PullPolicy::missing);
  }
  if (policy == PullPolicy::never)
    throw base::make_error(base::ErrorKind::not_found, "image ", base::quoted(typed), " is not in the store");
  try {
    return pull_first_of(engine, registry::resolve_short_name(typed, registry), options, registry);
  } catch (const base::Error& error) {
    if (!local || !may_be_elsewhere(error)) throw;
    base::log(base::LogLevel::warn, "the image in the store is used: ", error.message());
    return id_of(*local);
  }
}

/// Every tag has its turn: one that has no image for us, say, stops no other. @throws the last Error.
std::vector<std::string> pull_all_tags(Engine& engine, const std::string& typed, const PullOptions& options,
                                       const registry::RegistryOptions& registry) {
  TagsOptions wanted;
  wanted.repository = typed;
  wanted.remote = {options.tls_verify, options.auth_file, options.creds, options.cert_dir, options.retries};
  const TagList list = tags(engine, wanted);
  if (list.tags.empty()) throw base::make_error(base::ErrorKind::not_found, list.repository, " has no tags");
  std::vector<std::string> ids;
  std::optional<base::Error> failure;
  for (const std::string& tag : list.tags) {
    try {
      ids.push_back(pull_docker(engine, base::concat(list.repository, ":", tag), options, registry));
    } catch (const base::Error& error) {
      if (error.kind() == base::ErrorKind::no_space) throw;
      if (failure) base::log(base::LogLevel::warn, failure->message());
      failure = error;
    }
  }
  if (failure) throw *failure;
  return ids;
}

/// A word without a transport is of the one that containers.conf names.
registry::SourceName source_name(const Engine& engine, const std::string& typed) {
  registry::SourceName name = registry::parse_source_name(typed);
  if (name.transport != "docker" || name.rest != typed) return name;
  const std::string transport = load_image_settings(engine.config).default_transport;
  return transport.empty() ? name : registry::parse_source_name(transport + typed);
}

}  // namespace

std::vector<std::string> pull(Engine& engine, const PullOptions& options) {
  parse_policy(options.policy);
  const registry::RegistryOptions registry = registry_options(engine, options);
  std::vector<std::string> ids;
  for (const std::string& typed : options.images) {
    if (options.all_tags) {
      for (std::string& id : pull_all_tags(engine, typed, options, registry)) ids.push_back(std::move(id));
      continue;
    }
    const registry::SourceName name = source_name(engine, typed);
    ids.push_back(name.transport == "docker" ? pull_docker(engine, name.rest, options, registry)
                                             : pull_from(engine, name, options, registry));
    if (!options.dry_run) note_image_event(engine, "pull", ids.back(), typed);
  }
  if (!options.dry_run)
    for (const std::string& id : ids) prepare_default_variants(engine, id);
  return ids;
}

}  // namespace engine
