#include "engine/push.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>
#include <variant>

#include "base/error.hpp"
#include "base/oci/manifest.hpp"
#include "base/oci/reference.hpp"
#include "engine/convert_manifest.hpp"
#include "engine/events.hpp"
#include "engine/image_settings.hpp"
#include "engine/inflate.hpp"
#include "engine/manifest_list_store.hpp"
#include "engine/manifest_list_verbs.hpp"
#include "engine/pull_source.hpp"
#include "engine/recompressed_source.hpp"
#include "engine/repair_source.hpp"
#include "engine/send_image.hpp"
#include "engine/sign_image.hpp"
#include "engine/store_source.hpp"
#include "registry/open_destination.hpp"
#include "storage/blobs.hpp"

// push: an image of the store to wherever a destination can be opened. Bytes that have a digest are sent as they are.

namespace engine {
namespace {

/// How many images are looked through for the origin of a layer.
constexpr std::size_t max_images_looked_at = 500;

/// Pure. Where it goes: what the user named, else the image's own name.
registry::SourceName destination_of(const PushOptions& options, const std::string& own_name) {
  if (!options.destination.empty()) {
    registry::SourceName name = registry::parse_source_name(options.destination);
    if (name.transport == "docker") name.rest = oci::Reference::parse(name.rest).to_string();
    return name;
  }
  if (own_name.empty())
    throw base::make_error(base::ErrorKind::invalid_argument, "image ", base::quoted(options.image),
                           " has no name of its own to be pushed to")
        .with_hint("name the destination: engine push IMAGE REGISTRY/NAME:TAG");
  return {"docker", own_name};
}

std::string shown(const registry::SourceName& name) {
  return base::concat(name.transport, name.transport == "docker" ? "://" : ":", name.rest);
}

/// The layers and the config of an image of the store; none, when its manifest cannot be read.
std::vector<base::Digest> blobs_of(const storage::Store& store, const storage::ImageRecord& record) {
  try {
    const std::string bytes = storage::read_blob(store, record.manifest, oci::max_manifest_bytes);
    const auto parsed = oci::parse_manifest(bytes, "", base::concat("manifest ", record.manifest));
    std::vector<base::Digest> digests;
    if (const auto* manifest = std::get_if<oci::Manifest>(&parsed)) {
      for (const oci::Descriptor& layer : manifest->layers) digests.push_back(layer.digest);
    }
    return digests;
  } catch (const base::Error&) {  // an image that is damaged tells us nothing; it is not the one that is pushed
    return {};
  }
}

/// In which repositories of the same registry the blobs are, as far as names of the store's images tell.
registry::BlobPlaces places_of(const storage::Store& store, const std::vector<oci::Descriptor>& blobs,
                               const std::string& domain) {
  std::set<base::Digest> wanted;
  for (const oci::Descriptor& blob : blobs) wanted.insert(blob.digest);
  registry::BlobPlaces places;
  const std::vector<storage::NamedImage> images = storage::list_images(store);
  for (std::size_t i = 0; i < std::min(images.size(), max_images_looked_at); ++i) {
    const storage::NamedImage& image = images[i];
    std::set<std::string> repositories;
    for (const std::string& name : image.names) {
      const oci::Reference reference = oci::Reference::parse(name);
      if (reference.domain() == domain) repositories.insert(reference.repository());
    }
    if (repositories.empty()) continue;
    for (const base::Digest& digest : blobs_of(store, image.record)) {
      if (wanted.count(digest) == 0) continue;
      std::vector<std::string>& known = places[digest];
      for (const std::string& repository : repositories) {
        if (std::find(known.begin(), known.end(), repository) == known.end()) known.push_back(repository);
      }
    }
  }
  return places;
}

registry::RegistryOptions registry_options_of(const Engine& engine, const PushOptions& options) {
  PullOptions same;
  same.tls_verify = options.tls_verify;
  same.auth_file = options.auth_file;
  same.creds = options.creds;
  same.cert_dir = options.cert_dir;
  same.retries = options.retries;
  same.retry_delay = options.retry_delay;
  return registry_options(engine, same);
}

registry::ManifestBytes root_to_send(registry::ImageSource& source, const PushOptions& options) {
  registry::ManifestBytes root = source.root_manifest();
  return options.format.empty() ? root : convert_manifest(root, parse_manifest_format(options.format));
}

PushedImage send(Engine& engine, registry::ImageSource& source, registry::ManifestBytes root,
                 const registry::SourceName& destination, const PushOptions& options) {
  const ImageTree tree = read_image_tree(source, std::move(root));
  registry::BlobPlaces places;
  if (destination.transport == "docker" && !options.is_rehearsal)
    places = places_of(engine.store(), tree.blobs, oci::Reference::parse(destination.rest).domain());
  const registry::RegistryOptions registry = registry_options_of(engine, options);
  const NewSignatures signatures(engine, options.is_rehearsal ? SigningOptions{} : options.signing, destination,
                                 digests_of(tree));
  const auto opened = registry::open_destination(destination, registry, places, layer_inflater());
  PushedImage pushed{.digest = tree.root.digest, .destination = shown(destination), .blobs = {}};
  for (const SentBlob& sent : send_image(
           source, *opened, tree, engine.progress,
           {.connections = load_image_settings(engine.config).parallel_copies, .is_rehearsal = options.is_rehearsal}))
    pushed.blobs.push_back(
        {.digest = sent.blob.digest, .size_bytes = sent.blob.size_bytes, .is_there = sent.was_there});
  if (!options.is_rehearsal) engine.progress.note("Writing manifest to image destination");
  signatures.put(registry);
  return pushed;
}

/// A list goes with all of its images, as with podman.
PushedImage push_as_list(Engine& engine, const PushOptions& options) {
  if (options.is_rehearsal || !options.compression.empty())
    throw base::Error(base::ErrorKind::unsupported,
                      "a manifest list is pushed as it is: without --dry-run and --compression-format");
  PushListOptions same;
  same.list = options.image;
  same.destination = options.destination;
  same.format = options.format;
  same.remote = {options.tls_verify, options.auth_file, options.creds, options.cert_dir, options.retries};
  same.signing = options.signing;
  return push_manifest_list(engine, same);
}

}  // namespace

PushedImage push(Engine& engine, const PushOptions& options) {
  if (options.compression.empty() && load_image_settings(engine.config).compression_format.empty() &&
      (options.compression_level || options.force_compression))
    throw base::Error(base::ErrorKind::invalid_argument, "a compression level without --compression-format");
  const storage::ResolvedImage image = find_image_to_send(engine.store(), options.image);
  if (is_manifest_list(engine.store(), image.record)) return push_as_list(engine, options);
  const registry::SourceName destination = destination_of(options, image.name);
  return base::with_context(
      [&] {
        StoreSource source(engine.store(), image.record, image.name,
                           options.whole_index ? StoreRoot::whole_index : StoreRoot::manifest);
        // Neither --creds nor --cert-dir: they are the destination's.
        PullOptions origin;
        origin.tls_verify = options.tls_verify;
        origin.auth_file = options.auth_file;
        source.fall_back_to(open_origin(engine.store(), image.record.manifest, registry_options(engine, origin)));
        registry::ManifestBytes root = root_to_send(source, options);
        if (!options.is_rehearsal) note_image_event(engine, "push", image.record.config.hex(), shown(destination));
        const ImageSettings settings = load_image_settings(engine.config);
        const std::string& format = options.compression.empty() ? settings.compression_format : options.compression;
        if (format.empty()) return send(engine, source, std::move(root), destination, options);
        Recompression how = parse_compression(format);
        how.level = options.compression_level ? options.compression_level : settings.compression_level;
        how.also_if_the_same = options.force_compression;
        RecompressedSource smaller(engine.store(), source, root, how, engine.config.unpack_limits, engine.progress);
        return send(engine, smaller, smaller.root_manifest(), destination, options);
      },
      "pushing ", base::quoted(options.image), " to ", base::quoted(shown(destination)));
}

}  // namespace engine
